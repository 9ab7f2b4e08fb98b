// The "Softphones" page: takes the rows out of the plain table that is there
// without it, and shows a page of them that can be searched, sorted and chosen
// from. Everything that people or phones have written is set as textContent.
"use strict";
(() => {
	const PAGE = 100;
	const STALE_S = 120;
	const RELOAD_MS = 15000;
	const SKEW_S = 5;
	const NUMBER_MARK = /\u0001/g;
	const CONDITIONS = ["always", "busy", "no-answer", "offline"];
	const STATES = ["ringing", "busy", "registered", "late", "lost", "offline"];
	const FIELDS = ["number", "first", "last", "login", "state", "since",
		"contact", "transport", "agent", "refreshed", "forwarding"];
	const COLUMNS = [["number", "Number"], ["name", "Name"],
		["state", "State"], ["since", "For"], ["agent", "Softphone"],
		["forwarding", "Forwarding"]];

	const $ = id => document.getElementById(id);
	const data = JSON.parse($("data").textContent);
	const body = $("extensions").tBodies[0];
	const view = {q: "", state: "", sort: "number", down: false, page: 0,
		ext: "", tab: "phone", live: false};
	let all, shown;
	let reloaded = performance.now();

	// ---- small things --------------------------------------------------

	// element("td", {className: "since"}, "text", element(...))
	function element(name, properties, ...children) {
		const made = document.createElement(name);

		Object.assign(made, properties);
		made.append(...children.filter(child => child != null));
		return made;
	}

	// "Nováková" is found as "novakova".
	function plain(text) {
		return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
	}

	function count(n, one) {
		return `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;
	}

	function timeText(time) {
		return time ? new Date(time).toLocaleString(undefined,
			{dateStyle: "medium", timeStyle: "medium"}) : "";
	}

	// The largest two units: "3 d 4 h", as of when the page was made.
	function duration(ms) {
		let s = Math.max(0, Math.floor(ms / 1000));
		const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
		const at = parts.findIndex(([, size]) => s >= size);

		if (at < 0)
			return "0 s";
		return parts.slice(at, at + 2).map(([unit, size]) => {
			const n = Math.floor(s / size);

			s -= n * size;
			return n || unit === parts[at][0] ? `${n} ${unit}` : "";
		}).join(" ").trim();
	}

	function ageOf(row) {
		return row.since ? duration(data.phones - Date.parse(row.since)) : "";
	}

	// ---- reading -------------------------------------------------------

	// Each list stands there once; then comes its place among them.
	function readDetails() {
		const lists = [];

		return data.details.map(pair => pair.map(part => {
			if (typeof part === "number")
				return lists[part];
			lists.push(part);
			return part;
		}));
	}

	function readRows() {
		const details = readDetails();

		return Array.from(body.rows, (tr, i) => {
			const row = {};

			FIELDS.forEach((field, at) => {
				row[field] = tr.cells[at].textContent.trimEnd();
			});
			row.name = `${row.first} ${row.last}`.trim();
			[row.rules, row.route] = details[i];
			row.hay = plain([row.number, row.name, row.login,
				row.contact, row.agent, row.forwarding].join("\n"));
			return row;
		});
	}

	// A list with the number of the extension where it has the mark.
	function filled(row, list) {
		return list.map(texts => texts.map(text =>
			text && text.replace(NUMBER_MARK, () => row.number)));
	}

	// ---- the address: what is shown can be linked to ------------------

	function readAddress() {
		const said = new URLSearchParams(location.hash.slice(1));

		view.q = said.get("q") ?? "";
		view.state = said.get("state") ?? "";
		view.ext = said.get("ext") ?? "";
		view.tab = said.get("tab") === "forwarding" ? "forwarding" : "phone";
		view.live = said.has("live");
		view.down = (said.get("sort") ?? "").startsWith("-");
		view.sort = (said.get("sort") ?? "number").replace(/^-/, "");
		if (!COLUMNS.some(([key]) => key === view.sort))
			view.sort = "number";
		view.page = Math.max(0, (parseInt(said.get("page"), 10) || 1) - 1);
	}

	function writeAddress() {
		const says = new URLSearchParams();
		const sort = (view.down ? "-" : "") + view.sort;

		if (view.q)
			says.set("q", view.q);
		if (view.state)
			says.set("state", view.state);
		if (sort !== "number")
			says.set("sort", sort);
		if (view.page)
			says.set("page", view.page + 1);
		if (view.ext)
			says.set("ext", view.ext);
		if (view.ext && view.tab !== "phone")
			says.set("tab", view.tab);
		if (view.live)
			says.set("live", "");
		history.replaceState(null, "", `#${says}`);
	}

	// ---- the list ------------------------------------------------------

	const texts = new Intl.Collator(undefined, {numeric: false});
	const KEYS = {
		number: (a, b) => a.number.length - b.number.length ||
			(a.number < b.number ? -1 : 1),
		name: (a, b) => texts.compare(a.last, b.last) ||
			texts.compare(a.first, b.first),
		state: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state),
		since: (a, b) => (a.since < b.since) - (a.since > b.since),
		agent: (a, b) => texts.compare(a.agent, b.agent),
		forwarding: (a, b) => texts.compare(a.forwarding, b.forwarding),
	};

	function choose() {
		const words = plain(view.q).split(/\s+/).filter(Boolean);
		const order = KEYS[view.sort];
		const sign = view.down ? -1 : 1;

		shown = all.filter(row =>
			(!view.state || row.state === view.state) &&
			words.every(word => row.hay.includes(word)));
		if (view.sort !== "number" || view.down)
			shown.sort((a, b) => sign * order(a, b) ||
				KEYS.number(a, b));
		view.page = Math.min(view.page,
			Math.max(0, Math.ceil(shown.length / PAGE) - 1));
	}

	// Those in force that are not the defaults: "busy → 1021".
	function ownRules(row) {
		return row.forwarding.split(" ").filter(part => row.rules.some(rule =>
			rule[4] === "own" && part.startsWith(`${rule[0]}=`)))
			.map(part => part.replace("=", " → ")).join(", ");
	}

	function rowOf(row) {
		const number = element("button", {type: "button",
			textContent: row.number});
		const own = ownRules(row);
		const tr = element("tr", {},
			element("th", {scope: "row"}, number),
			element("td", {textContent: row.name || row.login,
				title: row.name || row.login}),
			element("td", {}, element("span", {
				className: `state ${row.state}`,
				textContent: row.state})),
			element("td", {className: "since", textContent: ageOf(row),
				title: timeText(row.since)}),
			element("td", {className: "agent", textContent: row.agent,
				title: row.agent}),
			element("td", {className: own ? "rules own" : "rules",
				textContent: own || (row.forwarding && "defaults"),
				title: row.forwarding}));

		tr.dataset.number = row.number;
		mark(tr);
		return tr;
	}

	function mark(tr) {
		const isChosen = tr.dataset.number === view.ext;

		tr.classList.toggle("chosen", isChosen);
		tr.querySelector("button").setAttribute("aria-pressed", isChosen);
	}

	function markSort() {
		for (const th of $("extensions").tHead.rows[0].cells) {
			if (th.dataset.key !== view.sort)
				th.removeAttribute("aria-sort");
			else
				th.setAttribute("aria-sort",
					view.down ? "descending" : "ascending");
		}
	}

	function showList() {
		const first = view.page * PAGE;
		const rows = shown.slice(first, first + PAGE);

		body.replaceChildren(...rows.map(rowOf));
		markSort();
		for (const button of $("counters").querySelectorAll("button"))
			button.setAttribute("aria-pressed",
				button.parentNode.dataset.state ===
				(view.state || "assigned"));
		$("nothing").hidden = shown.length > 0;
		$("found").textContent = shown.length === all.length
			? count(all.length, "extension")
			: `${shown.length.toLocaleString("en")} of ${
				count(all.length, "extension")}`;
		$("place").textContent = rows.length
			? `${first + 1}–${first + rows.length}` : "";
		$("back").disabled = view.page === 0;
		$("next").disabled = first + PAGE >= shown.length;
		$("back").parentNode.hidden = shown.length <= PAGE;
	}

	function update() {
		choose();
		showList();
		writeAddress();
	}

	function search(text) {
		view.q = text;
		view.page = 0;
		update();
	}

	function turn(by) {
		view.page += by;
		update();
		$("list").scrollIntoView({block: "start"});
	}

	function makeHead() {
		const row = $("extensions").tHead.rows[0];

		row.replaceChildren(...COLUMNS.map(([key, title]) => {
			const button = element("button", {type: "button",
				textContent: title});
			const th = element("th", {scope: "col"}, button);

			th.dataset.key = key;
			button.onclick = () => {
				view.down = view.sort === key && !view.down;
				view.sort = key;
				view.page = 0;
				update();
			};
			return th;
		}));
	}

	function makeCounters() {
		for (const li of $("counters").children) {
			const button = element("button", {type: "button"},
				...li.childNodes);

			button.onclick = () => {
				const state = li.dataset.state;

				view.state = state === "assigned" ||
					state === view.state ? "" : state;
				view.page = 0;
				update();
			};
			li.append(button);
		}
	}

	// ---- one extension -------------------------------------------------

	function item(title, text, className) {
		const value = text || "–";

		return element("div", {}, element("dt", {textContent: title}),
			element("dd", {textContent: value,
				className: text ? className ?? "" : "none"}));
	}

	function showPhone(row) {
		const age = time => time
			? ` (${duration(data.phones - Date.parse(time))} before)` : "";

		$("phone").replaceChildren(element("dl", {},
			item("Extension", [row.number, row.name].join(" ").trim()),
			item("Login", row.login),
			item("Phone registers dynamically as",
				`${row.number}@${data.domain}`, "mono"),
			item("State", row.state, `state ${row.state}`),
			item("Since", timeText(row.since) + age(row.since)),
			item("Contact", row.contact, "mono"),
			item("Transport", row.transport.toUpperCase()),
			item("User agent", row.agent),
			item("Last refresh",
				timeText(row.refreshed) + age(row.refreshed))));
	}

	function windowOf(from, until) {
		return [from && `from ${timeText(from)}`,
			until && `until ${timeText(until)}`].filter(Boolean).join(" ");
	}

	// RULE: condition, target, after, switch, origin, from, until.
	function ruleRow([condition, target, after, on, origin, from, until]) {
		return element("tr", {}, element("th", {scope: "row",
			textContent: condition}),
			element("td", {className: on === "off" ? "off" : ""}, target,
				windowOf(from, until)
					? element("small", {textContent:
						windowOf(from, until)}) : null),
			element("td", {className: "mono", textContent: after ?? ""}),
			element("td", {}, element("span", {
				className: `tag ${origin}`,
				textContent: on === "off" ? `${origin}, off` : origin})));
	}

	function rulesOf(row) {
		const rules = filled(row, row.rules);
		const rows = CONDITIONS.flatMap(condition => {
			const some = rules.filter(rule => rule[0] === condition);

			return some.length ? some.map(ruleRow) : element("tr", {},
				element("th", {scope: "row", textContent: condition}),
				element("td", {className: "none", colSpan: 3,
					textContent: "not forwarded"}));
		});
		const heads = ["When", "To", "After", "Rule"].map(title =>
			element("th", {scope: "col", textContent: title}));

		return element("table", {}, element("thead", {},
			element("tr", {}, ...heads)), element("tbody", {}, ...rows));
	}

	// The words of `sp-forward --resolve`, a step on each line.
	function routeOf(row) {
		const steps = filled(row, row.route).map(fields => {
			const words = fields.map((text, at) => text && element("span", {
				textContent: text,
				className: at === 1 ? "action" : ""}));
			const some = words.filter(Boolean);

			return element("li", {className: fields[1]},
				...some.flatMap((word, at) => at ? [" ", word] : [word]));
		});

		return element("ol", {className: "route"}, ...steps);
	}

	function showForwarding(row) {
		$("forwarding").replaceChildren(
			element("h3", {textContent: "Rules"}), rulesOf(row),
			element("h3", {textContent: "A call now"}), routeOf(row),
			element("p", {className: "hint", textContent:
				"If nobody answers. The same as sp-forward --resolve "
				+ row.number}));
	}

	function showTab() {
		for (const name of ["phone", "forwarding"]) {
			const isShown = view.tab === name;

			$(name).hidden = !isShown;
			$(`tab-${name}`).setAttribute("aria-selected", isShown);
			$(`tab-${name}`).tabIndex = isShown ? 0 : -1;
		}
	}

	function showDetail() {
		const row = all.find(one => one.number === view.ext);

		$("detail").hidden = !row;
		for (const tr of body.rows)
			mark(tr);
		if (!row)
			return;
		$("d-number").textContent = row.number;
		$("d-name").textContent = row.name || row.login;
		$("d-state").replaceChildren(element("span", {
			className: `state ${row.state}`, textContent: row.state}),
			row.since ? ` for ${ageOf(row)}` : "");
		showPhone(row);
		showForwarding(row);
		showTab();
	}

	function pick(number) {
		view.ext = number;
		showDetail();
		writeAddress();
	}

	function pickTab(name) {
		view.tab = name;
		showTab();
		writeAddress();
	}

	function buttonOf(number) {
		for (const tr of body.rows)
			if (tr.dataset.number === number)
				return tr.querySelector("button");
		return null;
	}

	function close() {
		const button = buttonOf(view.ext);

		pick("");
		(button ?? $("search")).focus();
	}

	// ---- keys ----------------------------------------------------------

	function onTabKey(event) {
		const other = view.tab === "phone" ? "forwarding" : "phone";
		const to = {ArrowLeft: other, ArrowRight: other, Home: "phone",
			End: "forwarding"}[event.key];

		if (!to)
			return;
		event.preventDefault();
		pickTab(to);
		$(`tab-${to}`).focus();
	}

	function onRowKey(event) {
		const tr = event.target.closest("tr");
		const to = {ArrowDown: tr.nextElementSibling,
			ArrowUp: tr.previousElementSibling,
			Home: body.rows[0],
			End: body.rows[body.rows.length - 1]}[event.key];

		if (!to)
			return;
		event.preventDefault();
		to.querySelector("button").focus();
		pick(to.dataset.number);
	}

	function onKey(event) {
		const isTyped = event.target.matches("input");

		if (event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (event.key === "/" && !isTyped) {
			event.preventDefault();
			$("search").select();
		} else if (event.key === "Escape" && isTyped && view.q) {
			event.preventDefault();
			$("search").value = "";
			search("");
		} else if (event.key === "Escape" && view.ext) {
			close();
		} else if (event.key === "ArrowDown" && isTyped && body.rows[0]) {
			event.preventDefault();
			body.rows[0].querySelector("button").focus();
			pick(body.rows[0].dataset.number);
		}
	}

	// ---- chart and clock -----------------------------------------------

	function shortTime(ms) {
		return new Date(ms).toLocaleTimeString(undefined,
			{hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
	}

	function readChart() {
		const chart = $("chart");
		const {left, step} = chart.dataset;
		const trend = data.trend;
		const cross = document.createElementNS(chart.namespaceURI, "path");

		cross.setAttribute("class", "cross");
		chart.append(cross);
		for (const label of chart.querySelectorAll("[data-time]"))
			label.textContent = shortTime(Date.parse(label.dataset.time));
		chart.onpointermove = event => {
			const box = chart.getBoundingClientRect();
			const scale = Math.max(chart.viewBox.baseVal.width / box.width,
				chart.viewBox.baseVal.height / box.height);
			const middle = (event.clientX - box.left - box.width / 2) * scale
				+ chart.viewBox.baseVal.width / 2;
			const last = trend.registered.length - 1;
			const at = Math.min(last, Math.max(0,
				Math.round((middle - left) / step)));

			cross.setAttribute("d", `M${+left + at * step},8V138`);
			$("readout").textContent = `${shortTime(trend.until -
				(last - at) * trend.step)}  ${trend.registered[at]} on line, ${
				trend.late[at]} late, ${trend.lost[at]} lost`;
		};
		chart.onpointerleave = () => {
			cross.removeAttribute("d");
			$("readout").textContent = "";
		};
	}

	// By this machine's clock, which may be behind the one that made the page:
	// then nobody here knows how old it is.
	function ageText(age) {
		if (age < -SKEW_S)
			return "this clock is slow";
		return age < SKEW_S ? "now" : `${duration(age * 1000)} ago`;
	}

	// By a clock that nobody sets. A try that takes long is not cut off by the
	// next second's.
	function reloadWhenDue() {
		const now = performance.now();

		if (!view.live || now - reloaded < RELOAD_MS ||
			document.visibilityState !== "visible")
			return;
		reloaded = now;
		location.reload();
	}

	function tick() {
		const age = Math.round((Date.now() - data.now) / 1000);

		$("age").textContent = `${ageText(age)},`;
		$("age").parentNode.classList.toggle("stale",
			age > STALE_S || age < -SKEW_S);
		reloadWhenDue();
	}

	function showLive() {
		$("follow").setAttribute("aria-pressed", view.live);
	}

	// ---- beginning -----------------------------------------------------

	function listen() {
		$("search").oninput = event => search(event.target.value);
		$("clear").onclick = () => {
			view.state = "";
			$("search").value = "";
			search("");
		};
		$("back").onclick = () => turn(-1);
		$("next").onclick = () => turn(1);
		$("close").onclick = close;
		$("follow").onclick = () => {
			view.live = !view.live;
			showLive();
			writeAddress();
		};
		for (const name of ["phone", "forwarding"]) {
			$(`tab-${name}`).onclick = () => pickTab(name);
			$(`tab-${name}`).onkeydown = onTabKey;
		}
		body.onclick = event => pick(event.target.closest("tr").dataset.number);
		body.onkeydown = onRowKey;
		document.onkeydown = onKey;
		window.onhashchange = () => {
			readAddress();
			show();
		};
	}

	function show() {
		$("search").value = view.q;
		choose();
		showList();
		showDetail();
		showLive();
	}

	all = readRows();
	body.id = "rows";
	makeHead();
	makeCounters();
	for (const id of ["bar", "follow", "keys"])
		$(id).hidden = false;
	$("now").textContent = timeText(data.now);
	for (const time of document.querySelectorAll(".warning time"))
		time.textContent = timeText(time.dateTime);
	readAddress();
	listen();
	readChart();
	show();
	document.documentElement.classList.add("ready");
	tick();
	setInterval(tick, 1000);
})();
