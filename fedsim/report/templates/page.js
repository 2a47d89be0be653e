"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const night = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const config = {
    displaylogo: false, displayModeBar: touch ? false : "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  };
  const LIGHT = { ink: "#1b1f24", muted: "#57606a", paper: "#ffffff", line: "#e1e4e8" };
  const DARK = { ink: "#e3e7ec", muted: "#9aa4af", paper: "#14171b", line: "#2b3037" };
  let printing = false;

  const colours = () => (night.matches && !printing ? DARK : LIGHT);

  // Black in a figure stands for the page's own colour of text.
  const inked = (value, ink) => JSON.parse(JSON.stringify(value).replaceAll('"#000000"', JSON.stringify(ink)));

  // Entries of a legend stand above each other where there is no room beside each other.
  function legendHeight(data, width) {
    const entries = data.filter((trace) => trace.showlegend !== false).map((trace) => trace.name);
    const wide = 50 + 7.5 * Math.max(0, ...entries.map((name) => name.length));
    return 20 * Math.max(0, Math.ceil(entries.length / Math.max(1, Math.floor((width - 120) / wide))) - 1);
  }

  function dressed(data, layout, width, space) {
    const { ink, muted, paper, line } = colours();
    const axis = (own) => ({ ...own, title: { ...own.title, font: { size: 13 } }, gridcolor: line, linecolor: muted, zerolinecolor: line, tickcolor: line });
    return {
      hovermode: "closest", ...layout,
      height: layout.height + (layout.showlegend === false ? 0 : legendHeight(data, width ?? space)),
      xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
      hoverlabel: { bgcolor: paper, bordercolor: muted, font: { color: ink } },
      legend: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", traceorder: "normal",
        maxheight: 0.9 },
      modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: ink },
      margin: { l: 10, r: touch || printing ? 10 : 34, t: 10, b: 10 }, dragmode: touch ? false : "zoom",
      autosize: width === undefined, width,
    };
  }

  class Figure {
    constructor(element) {
      this.element = element;
      this.inputs = [...element.querySelectorAll(".controls fieldset")];
      this.chart = element.querySelector(".chart");
      const specs = element.querySelector(".specs");
      this.specs = specs ? JSON.parse(specs.textContent) : [];
      for (const input of element.querySelectorAll(".controls input")) {
        input.addEventListener("change", () => this.show());
      }
      this.show();
    }

    // Views are in the order of the options, the last control's changing fastest.
    get chosen() {
      let index = 0;
      for (const field of this.inputs) {
        const options = [...field.querySelectorAll("input")];
        index = index * options.length + options.findIndex((option) => option.checked);
      }
      return index;
    }

    show(width) {
      const chosen = this.chosen;
      for (const view of this.element.querySelectorAll(".view")) {
        view.classList.toggle("chosen", Number(view.dataset.view) === chosen);
      }
      if (!this.chart) return;
      const { data, layout } = this.specs[chosen];
      const off = new Map((this.chart.data || []).map((trace) => [trace.legendgroup || trace.name, trace.visible]));
      const traces = inked(data, colours().ink);
      for (const trace of traces) trace.visible = off.get(trace.legendgroup || trace.name) ?? true;
      Plotly.react(this.chart, traces, inked(dressed(data, layout, width, this.chart.clientWidth), colours().ink), config);
    }
  }

  const figures = [...document.querySelectorAll(".figure")].map((element) => new Figure(element));
  const all = (width) => figures.forEach((figure) => figure.show(width));
  night.addEventListener("change", () => all());
  // plotly's own way to follow the window loses the height that a figure asks for. A phone's window grows by its
  // address bar when one scrolls: only another width counts.
  let [wide, asked] = [root.clientWidth, 0];
  window.addEventListener("resize", () => {
    if (printing || wide === root.clientWidth) return;
    wide = root.clientWidth;
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => all());
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      details.dataset.opened = "";
    }
    all(670);
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    for (const details of document.querySelectorAll("details[data-opened]")) {
      details.open = false;
      delete details.dataset.opened;
    }
    all();
  });
})();
