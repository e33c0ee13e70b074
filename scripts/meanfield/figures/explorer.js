// Hands the chosen task's chosen record to the charts. Runs when the page is ready and whenever a control changes:
// `cb_obj` is then the document, or the control.

const shown = tasks[task.value]
const bins = shown.axes[axis.value].bins
const last = shown.updates.length - 1
const clock = [slider, play].includes(cb_obj)

if (!clock) {
  // what stays the same throughout the training of a task
  for (const [name, [start, end]] of Object.entries({...shown.ranges, eigenvalue: shown.axes[axis.value].range})) {
    ranges[name].setv({start, end})
  }
  ticker.ticks = shown.axes[axis.value].ticks
  cost_ticker.ticks = shown.cost_ticks
  const labels = new Map(ticker.ticks.map((tick, number) => [tick, shown.axes[axis.value].labels[number]]))
  for (const picture of Object.values(spectra)) picture.below[0].major_label_overrides = labels
  for (const picture of Object.values(boundaries)) {
    picture.below[0].axis_label = shown.plane.names[0]
    picture.left[0].axis_label = shown.plane.names[1]
  }
  mapper.setv({palette: shown.plane.palette, high: shown.plane.highest})
  samples.data = shown.plane.samples
  key.setv({text: shown.plane.key, visible: shown.plane.key !== ""})
  means.data = shown.plane.means
  said.setv({text: shown.said, visible: shown.said !== ""})
  for (const mark of [notice, ...marks]) mark.setv({text: shown.mark, visible: shown.mark !== ""})
  for (const strip of strips) strip.visible = axis.value === "symlog"
  const every = Math.ceil(shown.updates.length / 10)
  const size = Array.from(shown.updates, (_, number) => number % every ? 0 : 7)
  for (const name of activations) lines[name].data = {update: shown.updates, size, ...shown.runs[name].numbers}
  slider.end = Math.max(last, 1)
  if (cb_obj === task) slider.value = 0
}

const record = Math.min(slider.value, last)
const update = shown.updates[record]
for (const cursor of cursors) cursor.location = update

activations.forEach((name, number) => {
  const run = shown.runs[name]
  const visible = chosen.active.includes(number)
  if (!clock) {
    document.getElementById(`panel_${name}`).hidden = !visible
    for (const renderer of drawn[name]) renderer.visible = visible
  }
  const start = record * bins.left.length
  const of = (heights) => Array.from(heights.slice(start, start + bins.left.length))
  const up = (heights) => heights.map((height) => Math.max(height, 0.5))
  const count = of(run.bars[axis.value])
  const {least, most} = run.bounds ? run.bounds[axis.value] : {}
  const [low, high] = run.bounds ? [of(least), of(most)] : [count, count]
  const counted = (bin) => run.bounds ? `${count[bin].toPrecision(3)}, from ${low[bin]} to ${high[bin]}` : `${count[bin]}`
  bars[name].data = {
    ...bins, count, top: up(low), highest: up(high),
    line: count.map((height) => run.bounds && height > 0.5 ? height : NaN),
    said: count.map((_, bin) => counted(bin)),
  }
  images[name].data = {...shown.plane.image, image: [run.decisions[record]]}

  const value = Object.fromEntries(Object.entries(run.numbers).map(([key, values]) => [key, values[record]]))
  const fixed = (number, sign) => Number.isFinite(number) ? sign + number.toFixed(3) : ""
  const share = (name) => value[name].toFixed(3) + fixed(value[`${name}_error`], "<br>± ")
  const exact = fixed(value.alpha_exact, "<tr><td>exact<td>") + fixed(value.gamma_exact, "<td>")
  numbers[name].text = `<table><tr><th>cost<th>α<th>γ<th>‖∇ℓ‖<th>${shown.score}<tr>
    <td>${value.cost.toPrecision(3)}<td>${share("alpha")}<td>${share("gamma")}
    <td>${value.gradient_norm.toExponential(1)}<td>${value.test_score.toFixed(3)}${exact}</table>`
})

function advance() {
  if (slider.value < last) slider.value += 1
  if (slider.value < last) window.next_record = setTimeout(advance, 200)
  else play.active = false
}

if ([play, task].includes(cb_obj)) {
  clearTimeout(window.next_record)
  play.label = play.active ? "⏸ Pause" : "▶ Play"
  if (play.active) {
    if (slider.value >= last) slider.value = 0
    window.next_record = setTimeout(advance, 200)
  }
}

if (cb_obj === task.document) {
  // keys, where the focus is not in a control that has a use for them
  document.addEventListener("keydown", (event) => {
    const end = tasks[task.value].updates.length - 1
    const targets = {ArrowLeft: slider.value - 1, ArrowRight: slider.value + 1, Home: 0, End: end}
    const busy = event.composedPath()[0].matches?.("select, input, button, [role=slider]")
    if (busy || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return
    if (event.key === " ") play.active = !play.active
    else if (event.key in targets) slider.value = Math.max(0, Math.min(targets[event.key], end))
    else return
    event.preventDefault()
  })
}
