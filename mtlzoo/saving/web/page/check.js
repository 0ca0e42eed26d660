// A classic script, which runs even where modules do not: from a file, and in old browsers. It says what is lacking.
"use strict";

(function () {
  var lacks = null;
  if (location.protocol === "file:") {
    lacks = [
      "This page was opened as a file.",
      "Browsers let a page load its model from a server only. Run this in the folder that holds the page, and open " +
        "http://localhost:8000 then:",
      "python -m http.server",
    ];
  } else if (typeof WebAssembly !== "object") {
    lacks = ["This browser lacks WebAssembly.", "The network runs in it. It may be switched off, or the browser is too old."];
  } else if (!window.HTMLScriptElement || !HTMLScriptElement.supports || !HTMLScriptElement.supports("importmap")) {
    lacks = ["This browser is too old for this page.", "It does not know import maps, which all browsers do since 2023."];
  } else if (!window.createImageBitmap) {
    lacks = ["This browser is too old for this page.", "It lacks createImageBitmap, with which images are read."];
  }
  if (lacks === null) return;
  var problem = document.getElementById("problem");
  var paragraph = document.createElement("p");
  var strong = document.createElement("strong");
  strong.textContent = lacks[0];
  paragraph.append(strong, " " + lacks[1]);
  problem.append(paragraph);
  if (lacks[2]) {
    var command = document.createElement("pre");
    command.textContent = lacks[2];
    problem.append(command);
  }
  problem.hidden = false;
  document.getElementById("status").textContent = "";
  document.getElementById("tools").hidden = true;
  document.getElementById("invitation").textContent = "";
  document.documentElement.dataset.lacking = "";
})();
