// Use the light or dark theme of Airflow's UI, which shows this page in a frame. Outside a frame, use the system's theme.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const parent = (() => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // the frame belongs to another site; the page's headers forbid such frames
    }
  })();

  const apply = () => {
    const isDark = parent ? parent.classList.contains("dark") || parent.dataset.theme === "dark" : system.matches;
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    window.dispatchEvent(new Event("themechange"));
  };

  apply();
  system.addEventListener("change", apply);
  if (parent) {
    new MutationObserver(apply).observe(parent, { attributes: true, attributeFilter: ["class", "data-theme"] });
  }
})();
