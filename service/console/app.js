// The console's first module: it draws the page.
const main = document.getElementById("main");
const title = document.createElement("h1");
title.textContent = "Verbatim";
main.append(title);
