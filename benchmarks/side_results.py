"""What `benchmarks/side_by_side.py` measured: on what, as a table and as a picture."""

__all__ = ['draw', 'last_runs', 'table']


def last_runs(lines):
  """Of each label and length the readings of the run that started last, by `(label, seconds)`."""
  runs = {}
  for line in lines:
    runs.setdefault((line['label'], line['seconds']), {}).setdefault(
        line['started'], []).append(line)
  return {key: started[max(started)] for key, started in runs.items()}


def table(runs):
  """What `last_runs` found, in Markdown: each run's last reading, and on what it ran."""
  rows = ['| flow | seconds of training | steps | weights | test bits/dim |',
          '|---|---|---|---|---|']
  order = sorted(runs, key=lambda key: (key[1], runs[key][-1]['bpd']))
  for label, seconds in order:
    last = runs[label, seconds][-1]
    # A run that was broken off has the schedule of the whole.
    of_all = '' if last['train_s'] >= seconds else f' of {seconds:,.0f}'
    rows.append(f'| {label} | {last["train_s"]:,.0f}{of_all} | {last["step"]:,} '
                f'| {last["num_weights"]:,} '
                f'| {last["bpd"]:.3f} +- {last["standard_error"]:.3f} |')
  machines = dict.fromkeys(', '.join(f'{key} {value}' for key, value in line['machine'].items())
                           for lines in runs.values() for line in lines)
  return '\n'.join([*rows, '', *machines])


def draw(runs, path):
  """A PNG of bits/dim against seconds: a colour for each label, the longest runs solid."""
  from matplotlib import figure
  picture = figure.Figure(figsize=(7., 4.5), layout='constrained')
  axes = picture.subplots()
  labels = list(dict.fromkeys(label for label, _ in runs))
  longest = max(seconds for _, seconds in runs)
  for (label, seconds), lines in sorted(runs.items()):
    is_longest = seconds == longest
    axes.plot([line['train_s'] for line in lines], [line['bpd'] for line in lines],
              '.-' if is_longest else '.--', color=f'C{labels.index(label)}',
              label=label if is_longest else f'{label}, {seconds:,.0f} s')
  axes.set_xscale('log')
  ticks = [at for at in (60, 120, 300, 600, 1_800, 3_600, 7_200) if at <= longest]
  axes.set_xticks(ticks, [f'{at:,}' for at in ticks])
  axes.minorticks_off()
  axes.set_xlabel('seconds of training')
  axes.set_ylabel('test bits/dim')
  axes.grid(alpha=.3)
  axes.legend(fontsize='small')
  picture.savefig(path, dpi=120)
