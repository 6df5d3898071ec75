// Draw the charts with Chart.js, in the colours of the theme.

import { number } from "./dom.js";

const COLOURS = ["#3b82f6", "#fbbf24", "#10b981", "#a855f7", "#ef4444", "#67e8f9", "#a3e635", "#f472b6", "#4f46e5", "#f97316"];
const SPECIAL = { "(other categories)": "#a1a1aa", "(none of these)": "#b08968", "(blank)": "#d4d4d8", "(failed)": "#71717a" };
let charts = [];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Return a colour for each category. A category mostly has the same colour on all pages: its name selects the colour,
 * and only if another category of the chart has this colour, it gets the next one.
 */
function coloursOf(names) {
  const free = new Set(COLOURS.keys());
  const colours = {};
  for (const name of [...names].sort()) {
    if (name in SPECIAL) continue;
    if (!free.size) COLOURS.forEach((_, index) => free.add(index));
    let index = [...name].reduce((hash, letter) => (hash * 31 + letter.codePointAt(0)) % 65521, 7) % COLOURS.length;
    while (!free.has(index)) index = (index + 1) % COLOURS.length;
    free.delete(index);
    colours[name] = COLOURS[index];
  }
  return { ...colours, ...SPECIAL };
}

/** The fewest pixels of a bar, so that one document can be seen beside thousands. A count of zero has no bar. */
const SHORTEST = 1;
const counted = (counts) => counts.map((count) => count || null);

function options(x, y, more = {}) {
  const axis = (title, extra = {}) => ({
    title: { display: true, text: title, color: css("--quiet") },
    ticks: { color: css("--quiet"), precision: 0, maxRotation: 0 },
    grid: { color: css("--border") },
    ...extra,
  });
  return {
    animation: false,
    maintainAspectRatio: false,
    plugins: { legend: { display: false, position: "bottom", labels: { color: css("--text"), boxWidth: 12 } } },
    scales: { x: axis(x, { grid: { display: false }, ...more.x }), y: axis(y, { beginAtZero: true, ...more.y }) },
  };
}

function draw(canvas, make) {
  const entry = { chart: null, redraw: null };
  entry.redraw = () => {
    entry.chart?.destroy();
    entry.chart = new Chart(canvas, make());
  };
  entry.redraw();
  charts.push(entry);
}

window.addEventListener("themechange", () => charts.forEach((entry) => entry.redraw()));

/** Remove the charts of the last view. */
export function clear() {
  charts.forEach((entry) => entry.chart.destroy());
  charts = [];
}

export function histogram(canvas, counts) {
  const width = 100 / counts.length;
  const last = counts.length - 1;
  // Chart.js would leave out the label of the last bar, which is mostly the highest. The labels must not overlap.
  const callback = function (_, index) {
    return (index % 5 === 0 && last - index >= 4) || index === last ? this.getLabelForValue(index) : "";
  };
  const ticks = { color: css("--quiet"), maxRotation: 0, autoSkip: false, callback };
  draw(canvas, () => ({
    type: "bar",
    data: {
      labels: counts.map((_, index) => `${index * width}–${(index + 1) * width}`),
      datasets: [{ data: counted(counts), backgroundColor: css("--accent"), categoryPercentage: 1, barPercentage: 0.92, minBarLength: SHORTEST }],
    },
    options: options("Confidence (%)", "Documents", { x: { ticks } }),
  }));
}

export function daily(canvas, { days, series }) {
  draw(canvas, () => {
    // The last day has a label. The labels must not overlap.
    const apart = Math.ceil(days.length / 6);
    const callback = (_, index) => ((days.length - 1 - index) % apart === 0 ? days[index].slice(5) : "");
    const ticks = { color: css("--quiet"), maxRotation: 0, autoSkip: false, callback };
    const chart = options("Month and day (UTC)", "Documents", { x: { stacked: true, ticks }, y: { stacked: true } });
    chart.plugins.legend.display = true;
    const colours = coloursOf(Object.keys(series));
    const highest = Math.max(...days.map((_, day) => Object.values(series).reduce((sum, data) => sum + data[day], 0)));
    // A line in the colour of the panel separates the categories of a day. It would cover a part that is a few pixels high.
    const borderWidth = ({ raw }) => ({ top: raw > 0.05 * highest ? 1 : 0 });
    return {
      type: "bar",
      data: {
        labels: days,
        datasets: Object.entries(series).map(([name, data]) => ({ label: name, data: counted(data), backgroundColor: colours[name], borderColor: css("--panel"), borderWidth, maxBarThickness: 48 })),
      },
      options: chart,
    };
  });
}

export function categories(canvas, counts) {
  const names = Object.keys(counts);
  const shown = [...names.filter((name) => !(name in SPECIAL)).slice(0, 12), ...names.filter((name) => name in SPECIAL)];
  draw(canvas, () => {
    const chart = options("Documents", "", { y: { title: { display: false }, grid: { display: false }, ticks: { color: css("--text"), autoSkip: false } } });
    chart.indexAxis = "y";
    Object.assign(chart.scales.x, { beginAtZero: true, grace: "5%", grid: { color: css("--border") } });
    const colours = coloursOf(shown);
    const label = (name) => `${name.length > 40 ? `${name.slice(0, 39)}…` : name} (${number(counts[name])})`;
    return {
      type: "bar",
      data: {
        labels: shown.map(label),
        datasets: [{ data: counted(shown.map((name) => counts[name])), backgroundColor: shown.map((name) => colours[name]), maxBarThickness: 28, minBarLength: SHORTEST }],
      },
      options: chart,
    };
  });
}
