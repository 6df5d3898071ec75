// Draw the charts with Chart.js, in the colours of the theme.

const COLOURS = ["#3b82f6", "#f59e0b", "#10b981", "#a855f7", "#ef4444", "#06b6d4", "#84cc16", "#ec4899", "#6366f1", "#14b8a6", "#f97316"];
const GREYS = { "(other categories)": "#a1a1aa", "(blank)": "#d4d4d8", "(not classified)": "#71717a" };
let charts = [];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colour = (name, index) => GREYS[name] ?? COLOURS[index % COLOURS.length];

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
    scales: { x: axis(x, more.x), y: axis(y, { beginAtZero: true, ...more.y }) },
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
    return (index % 5 === 0 && last - index >= 5) || index === last ? this.getLabelForValue(index) : "";
  };
  const ticks = { color: css("--quiet"), maxRotation: 0, autoSkip: false, callback };
  draw(canvas, () => ({
    type: "bar",
    data: {
      labels: counts.map((_, index) => `${index * width}–${(index + 1) * width} %`),
      datasets: [{ data: counts, backgroundColor: css("--accent"), categoryPercentage: 1, barPercentage: 0.92 }],
    },
    options: options("Confidence", "Documents", { x: { ticks } }),
  }));
}

export function daily(canvas, { days, series }) {
  draw(canvas, () => {
    const chart = options("Day (UTC)", "Documents", { x: { stacked: true }, y: { stacked: true } });
    chart.plugins.legend.display = true;
    return {
      type: "bar",
      data: {
        labels: days,
        datasets: Object.entries(series).map(([name, data], index) => ({ label: name, data, backgroundColor: colour(name, index), maxBarThickness: 48 })),
      },
      options: chart,
    };
  });
}

export function categories(canvas, counts) {
  const names = Object.keys(counts);
  const shown = [...names.filter((name) => !(name in GREYS)).slice(0, 12), ...names.filter((name) => name in GREYS)];
  draw(canvas, () => {
    const chart = options("Documents", "", { y: { title: { display: false }, ticks: { color: css("--text"), autoSkip: false } } });
    chart.indexAxis = "y";
    chart.scales.x.beginAtZero = true;
    return {
      type: "bar",
      data: {
        labels: shown.map((name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name)),
        datasets: [{ data: shown.map((name) => counts[name]), backgroundColor: shown.map(colour), maxBarThickness: 28 }],
      },
      options: chart,
    };
  });
}
