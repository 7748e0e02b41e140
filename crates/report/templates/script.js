"use strict";
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  var entries = Array.prototype.slice.call(document.querySelectorAll("[data-verdict]"));
  var buttons = Array.prototype.slice.call(document.querySelectorAll("[data-filter]"));

  function filter(wanted) {
    buttons.forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.filter === wanted));
    });
    entries.forEach(function (entry) {
      entry.hidden = wanted !== "all" && entry.dataset.verdict !== wanted;
    });
  }

  buttons.forEach(function (button) {
    button.addEventListener("click", function () { filter(button.dataset.filter); });
  });

  function folds() {
    return Array.prototype.slice.call(document.querySelectorAll("main details"));
  }

  Array.prototype.slice.call(document.querySelectorAll("[data-fold]")).forEach(function (button) {
    button.addEventListener("click", function () {
      folds().forEach(function (fold) { fold.open = button.dataset.fold === "open"; });
    });
  });

  // a link into something folded or filtered away shows it
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) { return; }
    for (var node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") { node.open = true; }
      if (node.hidden) { filter("all"); }
    }
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  // paper has nothing to click on
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = folds().filter(function (fold) { return !fold.open; });
    closed.forEach(function (fold) { fold.open = true; });
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (fold) { fold.open = false; });
  });
})();
