// The table of questions: filters, sorting, and both in the address, so that a view can be passed on: #q=who&setting=2&show=differ&sort=logit&order=down
(function () {
  "use strict";
  var table = document.querySelector(".questions");
  var form = document.querySelector(".controls");
  if (!table || !form) return;
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var count = form.querySelector("output");
  var headers = Array.prototype.slice.call(table.tHead.querySelectorAll("th[data-sort]"));
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var state = { sort: "", order: "up" };

  function listed(row, name, setting) {
    var list = (row.getAttribute("data-" + name) || "").split(" ");
    return setting === "" ? list[0] !== "" : list.indexOf(setting) >= 0;
  }

  function shows(row, i, f) {
    if (f.q !== "" && texts[i].indexOf(f.q) < 0) return false;
    if (f.set !== "" && row.getAttribute("data-set") !== f.set) return false;
    switch (f.show) {
      case "differ": return listed(row, "differ", f.setting);
      case "better": return listed(row, "better", f.setting);
      case "worse": return listed(row, "worse", f.setting);
      case "same": return !listed(row, "differ", f.setting);
      case "right": return row.getAttribute("data-right") === "1";
      case "wrong": return row.getAttribute("data-right") === "0";
      default: return true;
    }
  }

  function value(name) {
    var field = form.elements[name];
    return field ? field.value : "";
  }

  function filter() {
    var f = { q: value("q").toLowerCase(), set: value("set"), setting: value("setting"), show: value("show") };
    var n = 0;
    rows.forEach(function (row, i) {
      row.hidden = !shows(row, i, f);
      if (!row.hidden) n++;
      row.querySelectorAll("li[data-setting]").forEach(function (item) {
        item.hidden = f.setting !== "" && item.getAttribute("data-setting") !== f.setting;
      });
    });
    count.textContent = n + " of " + rows.length + " questions shown";
  }

  function key(row, name) {
    return Number(row.getAttribute("data-" + name));
  }

  function sort() {
    headers.forEach(function (th) {
      if (th.getAttribute("data-sort") === state.sort) th.setAttribute("aria-sort", state.order === "up" ? "ascending" : "descending");
      else th.removeAttribute("aria-sort");
    });
    var sign = state.order === "up" ? 1 : -1;
    var order = rows.slice();
    if (state.sort !== "") {
      order.sort(function (a, b) { return sign * (key(a, state.sort) - key(b, state.sort)) || key(a, "place") - key(b, "place"); });
    }
    order.forEach(function (row) { body.appendChild(row); });
  }

  function remember() {
    var parts = [];
    ["q", "set", "setting", "show"].forEach(function (name) {
      if (value(name) !== "") parts.push(name + "=" + encodeURIComponent(value(name)));
    });
    if (state.sort !== "") parts.push("sort=" + state.sort, "order=" + state.order);
    try { history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search); } catch (e) { /* a page in a frame may not */ }
  }

  function recall() {
    location.hash.slice(1).split("&").forEach(function (part) {
      var at = part.indexOf("="), name = part.slice(0, at), text = part.slice(at + 1);
      try { text = decodeURIComponent(text); } catch (e) { return; }
      if (name === "sort" && headers.some(function (th) { return th.getAttribute("data-sort") === text; })) state.sort = text;
      else if (name === "order") state.order = text === "down" ? "down" : "up";
      else if (["q", "set", "setting", "show"].indexOf(name) >= 0 && form.elements[name]) form.elements[name].value = text;
    });
  }

  headers.forEach(function (th) {
    th.querySelector("button").addEventListener("click", function () {
      var name = th.getAttribute("data-sort");
      state.order = state.sort === name && state.order === "down" ? "up" : "down";
      state.sort = name;
      sort();
      remember();
    });
  });
  form.addEventListener("input", function () { filter(); remember(); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.hidden = false;
  recall();
  filter();
  sort();
})();
