// node checks.js CHECK PAGE.html [WORD...]: one check of the page in chromium.
// In each nothing may be said on the console, thrown, or asked for elsewhere.
"use strict";
const assert = require("node:assert/strict");
const {pathToFileURL} = require("node:url");
const {open} = require("./browser.js");

const [name, file, ...words] = process.argv.slice(2);
const address = pathToFileURL(file).href;

const tds = (tab, n) => tab.$$eval("#rows tr", (rows, at) =>
	rows.map(tr => tr.cells[at].textContent), n);
const numbers = tab => tds(tab, 0);
const focused = tab => tab.evaluate(() =>
	document.activeElement.id || document.activeElement.textContent);
const text = (tab, selector) => tab.locator(selector).innerText();
const isShown = (tab, selector) => tab.locator(selector).isVisible();

const madeAt = tab => tab.$eval("#data", node =>
	JSON.parse(node.textContent).now);

async function detail(tab) {
	const entries = await tab.$$eval("#phone dl > div", rows => rows.map(row =>
		[row.children[0].textContent, row.children[1].textContent]));

	return Object.fromEntries(entries);
}

// Relative luminance and contrast: WCAG 2.2.
function luminance(rgb) {
	const [r, g, b] = rgb.match(/[\d.]+/g).slice(0, 3).map(part => {
		const c = part / 255;

		return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	});

	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);

	return (high + 0.05) / (low + 0.05);
}

// What each text stands on, of what can be seen.
const colours = tab => tab.evaluate(() => {
	const solid = node => {
		for (; node; node = node.parentElement) {
			const {backgroundColor} = getComputedStyle(node);

			if (!/, 0\)$|transparent/.test(backgroundColor))
				return backgroundColor;
		}
		return "rgb(255, 255, 255)";
	};

	return [...document.querySelectorAll("body *")].filter(node =>
		node.checkVisibility() && !node.closest("svg, :disabled") &&
		[...node.childNodes].some(child =>
			child.nodeType === Node.TEXT_NODE && child.data.trim()))
		.map(node => [node.textContent.slice(0, 30),
			getComputedStyle(node).color, solid(node)]);
});

const checks = {
	// The two tabs with the mouse.
	async click(tab) {
		const [number, first, last, agent] = words;

		await tab.getByRole("row", {name: number}).click();
		assert.equal(await text(tab, "#d-name"), `${first} ${last}`);
		assert.ok(await isShown(tab, "#phone"));
		assert.ok(!await isShown(tab, "#forwarding"));
		const phone = await detail(tab);
		assert.equal(phone.Extension, `${number} ${first} ${last}`);
		assert.equal(phone["Phone registers dynamically as"],
			`${number}@acme.example`);
		assert.equal(phone.State, "registered");
		assert.match(phone.Contact, new RegExp(`^sip:${number}@`));
		assert.equal(phone["User agent"], agent);
		assert.match(phone["Last refresh"], /\d\d:\d\d:\d\d.*before\)$/);
		await tab.getByRole("tab", {name: "Forwarding"}).click();
		assert.ok(!await isShown(tab, "#phone"));
		assert.ok(await isShown(tab, "#forwarding"));
		assert.equal(await tab.getByRole("tab", {name: "Forwarding"})
			.getAttribute("aria-selected"), "true");
		await tab.getByRole("button", {name: "Close"}).click();
		assert.ok(!await isShown(tab, "#detail"));
	},

	// All conditions, and the words that sp-forward --resolve printed.
	async forwarding(tab) {
		const [number, ...route] = words;

		await tab.goto(`${address}#ext=${number}&tab=forwarding`);
		assert.ok(await isShown(tab, "#forwarding"));
		const rules = await tab.$$eval("#forwarding tbody tr", rows =>
			rows.map(tr => [...tr.cells].map(td => td.innerText).join("|")));
		assert.deepEqual(rules.map(rule => rule.split("|")[0]),
			["always", "busy", "no-answer", "offline"]);
		assert.equal(rules[1], "busy|1001||own");
		assert.equal(rules[2], "no-answer|voicemail|20s|default");
		assert.deepEqual(await tab.$$eval("#forwarding .route li",
			items => items.map(li => li.textContent)),
			route.map(step => step.split("\t").filter(Boolean).join(" ")));
	},

	// From the search to the list, the tabs and back, without a mouse.
	async keyboard(tab) {
		await tab.keyboard.press("/");
		assert.equal(await focused(tab), "search");
		await tab.keyboard.press("ArrowDown");
		assert.equal(await focused(tab), "1000");
		await tab.keyboard.press("ArrowDown");
		assert.equal(await focused(tab), "1001");
		assert.equal(await text(tab, "#d-number"), "1001");
		await tab.locator("#tab-phone").focus();
		await tab.keyboard.press("ArrowRight");
		assert.equal(await focused(tab), "tab-forwarding");
		assert.ok(await isShown(tab, "#forwarding"));
		await tab.keyboard.press("Home");
		assert.ok(await isShown(tab, "#phone"));
		assert.equal(await tab.locator("#tab-forwarding")
			.getAttribute("tabindex"), "-1");
		await tab.keyboard.press("Tab");
		assert.equal(await focused(tab), "phone");
		await tab.keyboard.press("Escape");
		assert.ok(!await isShown(tab, "#detail"));
		assert.equal(await focused(tab), "1001");
		await tab.keyboard.press("Enter");
		assert.equal(await text(tab, "#d-number"), "1001");
	},

	// Names without their accents, phones, nothing, and everything again.
	async search(tab) {
		const all = (await numbers(tab)).length;
		const found = async typed => {
			await tab.locator("#search").fill(typed);
			return numbers(tab);
		};

		assert.deepEqual(await found("novakova"), ["1002"]);
		assert.deepEqual(await found("20000"), ["20000"]);
		assert.deepEqual(await found("1001"), ["1000", "1001"]); // forwards
		assert.deepEqual(await found("božena NOVÁK"), ["1002"]);
		assert.deepEqual(await found("special/7"), ["1000"]);
		assert.match(await text(tab, "#found"), new RegExp(`^1 of ${all} ext`));
		assert.deepEqual(await found("(nobody]"), []);
		await tab.getByRole("button", {name: "Show all"}).click();
		assert.equal((await numbers(tab)).length, all);
	},

	async sort(tab) {
		const head = tab.locator("th[data-key=name]");

		await head.getByRole("button").click();
		assert.equal(await head.getAttribute("aria-sort"), "ascending");
		assert.deepEqual(await tds(tab, 1), ["Zoe Adler", "Anna Müller",
			"Božena Nováková", "Ann Zimmer"]);
		await head.getByRole("button").press("Enter");
		assert.equal(await head.getAttribute("aria-sort"), "descending");
		assert.equal((await tds(tab, 1))[0], "Ann Zimmer");
		await tab.locator("th[data-key=number] button").click();
		assert.deepEqual(await numbers(tab), ["1000", "1001", "1002", "20000"]);
		assert.equal(await head.getAttribute("aria-sort"), null);
	},

	// The counters choose who is shown.
	async states(tab) {
		const counter = state => tab.locator(`[data-state=${state}] button`);

		await counter("registered").click();
		assert.deepEqual(await numbers(tab), ["1000"]);
		assert.equal(await counter("registered").getAttribute("aria-pressed"),
			"true");
		await counter("offline").click();
		assert.equal((await numbers(tab)).length, 3);
		await counter("assigned").click();
		assert.equal((await numbers(tab)).length, 4);
	},

	// What others have written is shown as they wrote it, and does nothing.
	async hostile(tab) {
		const [, row] = await Promise.all([tab.locator("#rows tr").first().click(),
			tab.$eval("#rows tr", tr => [...tr.cells].map(td =>
				td.textContent))]);

		assert.equal(row[1], "<script>window.bad=1</script> \"><img src=x onerror=window.bad=2>");
		assert.equal(await text(tab, "#d-name"), row[1]);
		const phone = await detail(tab);
		assert.equal(phone["User agent"], "</script><script>window.bad=3</script>");
		assert.equal(phone.Contact, "sip:x\"><svg onload=window.bad=4>@192.0.2.7");
		await tab.locator("#tab-forwarding").click();
		assert.match(await text(tab, "#forwarding table"),
			/sip:a@b<\/script><script>window\.bad=5\/\//);
		await tab.locator("#search").fill("<script>");
		assert.equal((await numbers(tab)).length, 1);
		assert.equal(await tab.evaluate(() => window.bad), undefined);
		assert.equal(await tab.locator("img").count(), 0);
		assert.equal(await tab.locator("script").count(), 3);
	},

	// Both looks, and all text can be read in each.
	async dark(tab) {
		await tab.locator("#rows tr").first().click();
		for (const colorScheme of ["light", "dark"])
			for (const shown of ["#tab-phone", "#tab-forwarding"]) {
				await tab.emulateMedia({colorScheme});
				await tab.locator(shown).click();
				const ground = await tab.evaluate(() =>
					getComputedStyle(document.body).backgroundColor);
				assert.equal(luminance(ground) < 0.1, colorScheme === "dark");
				const bad = (await colours(tab)).filter(([, ink, paper]) =>
					contrast(ink, paper) < 4.5);
				assert.deepEqual(bad, []);
			}
	},

	// Ten thousand are a page at a time, and each can be found.
	async many(tab) {
		assert.equal((await numbers(tab)).length, 100);
		assert.equal(await text(tab, "#found"), "10,000 extensions");
		assert.equal(await text(tab, "#place"), "1–100");
		assert.ok(await tab.locator("#back").isDisabled());
		await tab.locator("#next").click();
		assert.equal((await numbers(tab))[0], "10100");
		await tab.locator("#search").fill("19999");
		assert.deepEqual(await numbers(tab), ["19999"]);
		await tab.locator("#rows button").click();
		assert.match((await detail(tab))["Phone registers dynamically as"],
			/^19999@/);
		await tab.locator("#search").fill("");
		await tab.locator("th[data-key=number] button").click();
		await tab.locator("th[data-key=number] button").click();
		await tab.locator("th[data-key=name] button").click();
		assert.equal((await numbers(tab)).length, 100);
		assert.ok(await tab.evaluate(() =>
			document.querySelectorAll("*").length) < 3000);
	},

	// The address says what is shown; it comes back, and what is odd is left.
	async address(tab) {
		await tab.locator("#search").fill("ann");
		await tab.locator("th[data-key=name] button").click();
		await tab.locator("#rows button").first().click();
		await tab.locator("#tab-forwarding").click();
		const {hash} = new URL(tab.url());
		await tab.goto("about:blank");
		await tab.goto(address + hash);
		assert.equal(await tab.locator("#search").inputValue(), "ann");
		assert.deepEqual(await tds(tab, 1), ["Anna Müller", "Ann Zimmer"]);
		assert.equal(await text(tab, "#d-name"), "Anna Müller");
		assert.ok(await isShown(tab, "#forwarding"));
		await tab.goto("about:blank");
		await tab.goto(`${address}#ext=9999&sort=__proto__&page=-7&state=x&tab=y`);
		assert.ok(!await isShown(tab, "#detail"));
		await tab.getByRole("button", {name: "Show all"}).click();
		assert.equal((await numbers(tab)).length, 4);
	},

	// The chart tells its figures where the mouse is; its last are the counters'.
	async chart(tab) {
		const box = await tab.locator("#chart").boundingBox();

		await tab.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
		assert.match(await text(tab, "#readout"),
			/^\d\d:\d\d +1 on line, 0 late, 0 lost$/);
		await tab.mouse.move(0, 0);
		assert.equal(await text(tab, "#readout"), "");
	},

	// It looks for a newer page only when it was told to.
	async refresh(tab) {
		await tab.clock.install({time: Date.now()});
		await tab.reload();
		await tab.evaluate(() => { window.old = true; });
		await tab.clock.runFor("02:30");
		assert.ok(await tab.evaluate(() => window.old));
		assert.ok(await tab.locator(".clock.stale").isVisible());
		await tab.locator("#follow").click();
		const loaded = tab.waitForEvent("load");
		await tab.clock.runFor("00:16");
		await loaded;
		assert.equal(await tab.evaluate(() => window.old), undefined);
		assert.equal(await tab.locator("#follow")
			.getAttribute("aria-pressed"), "true");
	},

	// A page that is old and not replaced is read every 15 seconds, not at
	// once, whatever its age is then.
	async calm(tab) {
		const made = await madeAt(tab);
		let loads = 0;

		await tab.goto("about:blank");
		await tab.clock.install({time: made});
		await tab.clock.pauseAt(made + 600000);
		tab.on("load", () => loads++);
		await tab.goto(`${address}#live`);
		await tab.clock.runFor("00:14");
		assert.equal(loads, 1);
		const loaded = tab.waitForEvent("load");
		await tab.clock.runFor("00:02");
		await loaded;
		await tab.clock.runFor("00:13");
		assert.equal(loads, 2);
	},

	// One whose clock is slow is not told an age.
	async slow(tab) {
		const made = await madeAt(tab);

		await tab.clock.install({time: made - 7200000});
		await tab.clock.pauseAt(made - 3600000);
		await tab.reload();
		assert.equal(await text(tab, "#age"), "this clock is slow,");
		assert.ok(await tab.locator(".clock.stale").isVisible());
		await tab.clock.pauseAt(made - 2000);
		await tab.clock.runFor("00:01");
		assert.equal(await text(tab, "#age"), "now,");
		assert.ok(!await tab.locator(".clock.stale").isVisible());
	},

	// Every control has a name, every tab its panel, every id is one.
	async accessible(tab) {
		await tab.locator("#rows tr").first().click();
		const unnamed = await tab.evaluate(() =>
			[...document.querySelectorAll("button, input, nav, section, aside")]
				.filter(node => !(node.textContent.trim() ||
					node.getAttribute("aria-label") || node.labels?.length))
				.map(node => node.outerHTML));
		assert.deepEqual(unnamed, []);
		assert.deepEqual(await tab.evaluate(() => {
			const ids = [...document.querySelectorAll("[id]")].map(n => n.id);

			return ids.filter((id, at) => ids.indexOf(id) !== at);
		}), []);
		for (const one of await tab.locator("[role=tab]").all())
			assert.equal(await tab.locator(`#${await one.getAttribute(
				"aria-controls")}`).getAttribute("role"), "tabpanel");
		assert.equal(await tab.evaluate(() => document.compatMode), "CSS1Compat");
		for (const width of [1700, 1000, 400]) {
			await tab.setViewportSize({width, height: 800});
			assert.ok(await tab.evaluate(() =>
				document.documentElement.scrollWidth <= innerWidth), `${width}`);
		}
	},

	// All rows are in the table that is there without a script.
	async scriptless(tab) {
		assert.equal(await tab.locator("#extensions tbody tr").count(), 4);
		assert.ok(await tab.locator("#extensions tbody tr").last().isVisible());
		assert.match(await tab.locator("#extensions tbody tr").first().innerText(),
			/^1000\tAnna\tMüller\tamueller\tregistered\t/);
		assert.match(await text(tab, "caption"), /NUMBER@acme\.example/);
		for (const hidden of ["#bar", "#detail", "#follow", "#nothing"])
			assert.ok(!await isShown(tab, hidden), hidden);
	},
};

async function run(browser) {
	const said = [];
	const context = await browser.newContext({locale: "en-GB",
		viewport: {width: 1360, height: 900},
		javaScriptEnabled: name !== "scriptless"});
	const tab = await context.newPage();

	tab.setDefaultTimeout(20000);
	tab.on("console", message => said.push(message.text()));
	tab.on("pageerror", error => said.push(String(error)));
	tab.on("request", request => {
		const url = request.url().replace(/#.*/, "");

		if (url !== address && url !== "data:," && url !== "about:blank")
			said.push(`asks for ${url}`);
	});
	await tab.goto(address);
	await checks[name](tab);
	assert.deepEqual(said, []);
}

(async () => {
	const browser = await open();

	try {
		await run(browser);
	} finally {
		await browser.close();
	}
})().catch(error => {
	console.error(error.message);
	process.exitCode = 1;
});
