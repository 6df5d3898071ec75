// Follow the colours of Airflow's UI, which shows this page in a frame. Alone, the page follows the system.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const parent = (() => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // another site shows the page, which its headers forbid
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
