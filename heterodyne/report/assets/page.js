// The page: makes the figures, draws them when they come near, follows the reader, the colours and the printer.

const report = JSON.parse(document.getElementById("report-data").textContent);
const withViews = report.figures.filter((figure) => figure.views.length > 0);
const figures = withViews.map((figure) => new Figure(document.getElementById(figure.id), figure));

function drawAll() {
  for (const figure of figures) figure.draw();
}

function drawWhenNear() {
  const byRoot = new Map(figures.map((figure) => [figure.root, figure]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        byRoot.get(target).isNear = true;
        byRoot.get(target).draw();
      }
    },
    { rootMargin: "400px" },
  );
  const resizes = new ResizeObserver((entries) => entries.forEach(({ target }) => byRoot.get(target).resized()));
  for (const figure of figures) {
    observer.observe(figure.root);
    resizes.observe(figure.root);
  }
}

// Marks the panel that is being read in the list of panels, and keeps its entry in sight.
function followReader() {
  const contents = document.querySelector(".contents");
  const links = new Map(Array.from(contents.querySelectorAll("a"), (link) => [link.hash.slice(1), link]));
  const mark = ({ target }) => {
    for (const [id, link] of links) {
      if (id !== target.id) link.removeAttribute("aria-current");
      else link.setAttribute("aria-current", "true");
    }
    const link = links.get(target.id);
    const strip = contents.querySelector("ul");
    if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = link.offsetLeft - strip.clientWidth / 3;
  };
  const observer = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach(mark),
    {
      rootMargin: "-15% 0px -75% 0px",
    },
  );
  document.querySelectorAll(".panel").forEach((panel) => observer.observe(panel));
}

function addThemeSwitch() {
  const button = element("button", { type: "button", class: "button theme" });
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Change to ${isDark() ? "light" : "dark"} colours`);
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    name();
    drawAll();
  });
  name();
  document.querySelector(".title").append(button);
}

// Paper is light, has one width, and shows everything.
function followPrinter() {
  addEventListener("beforeprint", () => {
    isPrinting = true;
    for (const figure of figures) figure.isNear = true;
    drawAll();
  });
  addEventListener("afterprint", () => {
    isPrinting = false;
    drawAll();
  });
}

addThemeSwitch();
drawWhenNear();
followReader();
followPrinter();
document.documentElement.dataset.ready = Math.round(performance.now());
