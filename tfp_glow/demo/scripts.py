"""What the page does in the browser, as JavaScript for Gradio."""

from tfp_glow.demo import upload

__all__ = ['DOWNLOAD', 'JOIN_BUTTONS', 'KEEP_ADDRESS', 'PICK', 'READ_ADDRESS', 'READ_UPLOAD',
           'UPLOAD']

# The cells of a wall are buttons: arrow keys go from one to the next, a click picks one.
PICK = """
const cells = () => [...element.querySelectorAll('button[data-pick]')];
element.addEventListener('click', (event) => {
  const cell = event.target.closest('button[data-pick]');
  if (!cell) return;
  cells().forEach((other) => other.setAttribute('aria-pressed', other === cell));
  trigger('click', {pick: cell.dataset.pick});
});
element.addEventListener('keydown', (event) => {
  const all = cells(), i = all.indexOf(document.activeElement);
  const columns = +element.querySelector('.wall')?.dataset.columns;
  const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns}[event.key];
  if (i < 0 || !step) return;
  event.preventDefault();
  all[i + step]?.focus();
});"""

# Gradio gives each radio button a name of its own, and another one whenever the choice changes; arrow
# keys go through those of one name.
JOIN_BUTTONS = """
document.addEventListener('keydown', (event) => {
  if (event.target.type !== 'radio') return;
  const group = event.target.closest('fieldset');
  for (const button of group.querySelectorAll('input[type=radio]')) button.name = group.id;
});"""

READ_ADDRESS = '(position, query) => [position, location.search]'

# The picture brings its address along; `__theme` is Gradio's and stays.
KEEP_ADDRESS = """
watch('value', () => {
  const address = element.querySelector('[data-address]')?.dataset.address;
  if (address === undefined) return;
  const query = new URLSearchParams(address);
  const theme = new URLSearchParams(location.search).get('__theme');
  if (theme) query.set('__theme', theme);
  history.replaceState(history.state, '', query.size ? `?${query}` : location.pathname);
});"""

UPLOAD = """
<label>A picture of yours (it is not stored):
<input type="file" id="upload-file" accept="image/*"></label>"""

# The file goes to the server as text in the value of the component.
READ_UPLOAD = """
element.addEventListener('change', async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  if (file.size > %d) {
    props.value = '%s';
  } else {
    const url = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(file);
    });
    props.value = url.slice(url.indexOf(',') + 1);
  }
  trigger('submit');
});""" % (upload.MAX_BYTES, upload.TOO_LARGE)

DOWNLOAD = """
(text) => {
  const [name, type, data] = JSON.parse(text);
  const link = document.createElement('a');
  link.href = `data:${type};base64,${data}`;
  link.download = name;
  link.click();
}"""
