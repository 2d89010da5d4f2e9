"""How the page looks: its theme and its style sheet, in light and in dark."""

import gradio as gr

__all__ = ['CSS', 'THEME']

# Fonts of the visitor's machine: Gradio's own themes fetch theirs from another server. Its greys
# and its blue are too faint on their backgrounds for WCAG AA.
THEME = gr.themes.Base(
    font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace'],
    spacing_size=gr.themes.sizes.spacing_sm).set(
        body_text_color_subdued='*neutral_600', body_text_color_subdued_dark='*neutral_300',
        block_label_text_color='*neutral_700', block_label_text_color_dark='*neutral_200',
        block_title_text_color='*neutral_800', block_title_text_color_dark='*neutral_100',
        button_primary_background_fill='*primary_700',
        button_primary_background_fill_dark='*primary_700',
        button_primary_background_fill_hover='*primary_800',
        button_primary_background_fill_hover_dark='*primary_800',
        button_primary_text_color='white', button_primary_text_color_dark='white',
        color_accent='*primary_700', slider_color='*primary_700', slider_color_dark='*primary_400')

CSS = """
:root { --alarm: #b91c1c; --quiet: #64748b; }
.dark { --alarm: #fca5a5; --quiet: #94a3b8; }
.gradio-container { max-width: 76rem !important; padding: 0 !important; }
.gradio-container .main { padding: 0.6rem !important; }
.html-container { padding: 0 !important; }
#title h1 { font-size: 1.4rem; margin: 0; }
#title p { margin: 0.2rem 0 0; line-height: 1.35; }
#facts, .hint { color: var(--body-text-color-subdued); }
.dark [role=tab][aria-selected=true] { color: var(--slider-color); }
:is(button, input, select, [tabindex]):focus-visible {
  outline: 3px solid var(--slider-color) !important; outline-offset: 1px; }

.wall { display: grid; gap: 1px; max-width: calc(var(--columns) * 3.6rem);
  grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); }
.wall .name { text-align: center; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.wall button { padding: 0; border: 2px solid transparent; line-height: 0; cursor: pointer;
  background: none; }
.wall button[aria-pressed=true] { border-color: var(--slider-color); }
.wall img { width: 100%; margin: 0; }
.picture img, .wall img, .map img { image-rendering: pixelated; }
#draw { align-items: stretch; flex-wrap: nowrap; max-width: 36rem; }
#draw > * { min-width: 0 !important; }
#seed { padding: 0 0.4rem; }
#seed label { display: flex; align-items: center; gap: 0.4rem; }
#seed label span { margin: 0; white-space: nowrap; }
#seed input { padding: 0.2rem; }

fieldset#class input { position: absolute; opacity: 0; }
/* Half-way between its two backgrounds the text of a button would be faint. */
fieldset#class label { padding: 0.2rem 0.6rem; transition: none; }
fieldset#class label span { margin: 0; }
fieldset#class label.selected { background: var(--button-primary-background-fill);
  color: var(--button-primary-text-color); }
fieldset#class label:focus-within { outline: 3px solid var(--slider-color); outline-offset: 1px; }

#erase { align-items: center; }

#stage { display: grid !important; align-items: start; gap: 0.8rem;
  grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); }
#stage > * { min-width: 0 !important; }
#left { position: sticky; top: 0; gap: 0.2rem; }
.picture { margin: 0; text-align: center; }
.picture img { width: 100%; max-width: min(22rem, 45vh); margin: auto; }
.small { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.small :is(.picture, .map) { width: min(8.5rem, 26vw); margin: 0;
  line-height: 1.35; }
#left .small .picture { width: min(5rem, 45%); }
.map { text-align: center; }
.map img { width: 100%; margin: 0; }
.message { color: var(--alarm); font-weight: bold; }
.hint { margin: 0.4rem 0 0; }
#bits, #guesses { margin: 0; line-height: 1.35; }
#histogram { width: 100%; max-width: 22rem; margin: 0; fill: var(--quiet); font-size: 11px; }
#histogram text { fill: var(--body-text-color-subdued); }
#histogram line { stroke: var(--alarm); stroke-width: 2; }
.inline > .wrap { display: flex; align-items: center; gap: 0.5rem; }
.inline .head { display: contents; }
.inline .head label { width: 20%; overflow-wrap: anywhere; }
.inline .head label span { margin: 0; }
.inline .slider_input_container, .inline input[type=range] { flex: 1; min-width: 0; }
.inline .tab-like-container { order: 1; }

@media (max-width: 640px) {
  #stage { grid-template-columns: minmax(0, 4fr) minmax(0, 5fr); gap: 0.4rem; }
  #stage :is(.tab-like-container, .min_value, .max_value), #histogram text { display: none; }
  #title h1 { font-size: 1.15rem; }
}
"""
