// Invented people and a day of their softphones, the same each time.
//
//   node world.js users N          a CSV of users for sp-assign -f
//   node world.js sql N NOW_MS     their sessions, phones and rules, for sqlite3
"use strict";

const FIRST = `Anna Ben Božena Chidi Clara David Elif Emil Estela Farid Freya Giulia
Hana Ibrahim Ines Jakub Jonas Kaja Keiko Lars Leila Luca Maja Marek Mei Milan Nadia
Nils Noor Olga Omar Paula Pavel Priya Rafael Rosa Samir Sofia Tariq Thea Tomás Ute
Vera Viktor Wanda Xuân Yara Yusuf Zoë Łukasz`.split(/\s+/);
const LAST = `Abbasi Almeida Andersen Bauer Becker Boateng Castro Černý Costa Demir
Dvořák Eriksson Farkas Fischer García Haddad Hoffmann Horvat Ito Jansen Jensen
Kowalski Kumar Lehmann Lindgren Marchetti Mensah Meyer Moreau Müller Nakamura Nguyễn
Nováková Nowak O’Brien Okafor Olsen Petrov Popescu Reyes Rossi Santos Schmidt Silva
Sørensen Szabó Tanaka Vogel Weber Yılmaz Zhang Zieliński`.split(/\s+/);
const AGENTS = [["Linphone-Desktop/5.2.4 (Debian)", "tls", 0.42],
	["baresip v3.9.0", "udp", 0.22], ["MicroSIP/3.21.6", "tcp", 0.2],
	["Z 5.6.4 v2.10.20.4", "tls", 0.1], ["Twinkle/1.10.3", "udp", 0.06]];
const MINUTE = 60e3, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

// Park and Miller's: the same numbers on every machine.
let seed = 20261125;
function random() {
	seed = seed * 48271 % 2147483647;
	return seed / 2147483647;
}
const between = (low, high) => low + (high - low) * random();
const oneOf = list => list[Math.floor(random() * list.length)];
const quote = text => `'${text.replaceAll("'", "''")}'`;

function users(n) {
	const lines = ["login,first,last"];

	for (let i = 0; i < n; i++) {
		const first = FIRST[(i * 7) % FIRST.length];
		const last = LAST[(i * 11 + Math.floor(i / 50)) % LAST.length];
		const login = (first[0] + last).normalize("NFD")
			.replace(/[^A-Za-z]/g, "").toLowerCase();

		lines.push(`${login}${Math.floor(i / 52) || ""}x${i},${first},${last}`
			.replace(/x\d+,/, i < 52 ? "," : `.${i},`));
	}
	return lines.join("\n");
}

function agentOf(i) {
	let part = (i * 37 % 100) / 100;

	return AGENTS.find(([, , share]) => (part -= share) < 0) ?? AGENTS[0];
}

// The sessions of a phone, [start, end or 0, ending], oldest first.
function daysOf(i, now) {
	const midnight = Math.floor(now / DAY) * DAY;
	const sessions = [];
	const isNight = i % 13 === 5;

	for (const day of [midnight - DAY, midnight]) {
		const start = day + (isNight ? between(20.5, 22) : between(6.4, 9.4)) * HOUR;
		const end = start + between(8, 9.5) * HOUR;

		if (random() < 0.09 || start > now)
			continue;
		if (random() < 0.12) {
			const cut = between(start + HOUR, end - HOUR);

			if (cut < now) {
				sessions.push([start, cut, "lost"]);
				if (cut + 12 * MINUTE < now)
					sessions.push([cut + between(1, 12) * MINUTE,
						end < now ? end : 0, "logout"]);
				continue;
			}
		}
		sessions.push([start, end < now ? end : 0, "logout"]);
	}
	return sessions;
}

// One site was without a network for a while this morning.
function withOutage(sessions, i, now) {
	const cut = Math.floor(now / DAY) * DAY + 9.7 * HOUR;
	const open = sessions.find(([start, end]) => start < cut && !end);

	if (i % 29 !== 3 || !open || cut > now)
		return sessions;
	return [...sessions.filter(s => s !== open), [open[0], cut + i * 200, "lost"],
		[cut + between(9, 50) * MINUTE, 0, ""]];
}

// A few went out of reach minutes ago.
function withLosses(sessions, i, now) {
	const last = sessions.at(-1);

	if (i % 97 !== 12 || !last || last[1])
		return sessions;
	return [...sessions.slice(0, -1), [last[0], now - between(20e3, 400e3), "lost"]];
}

function phoneOf(number, i) {
	const [agent, transport] = agentOf(i);
	const host = `10.20.${i % 6 + 1}.${i % 241 + 10}`;
	const port = 49152 + i * 131 % 16000;

	return {agent, transport, contact: `sip:${number}@${host}:${port}${
		transport === "udp" ? "" : `;transport=${transport}`}`};
}

function rule(number, condition, target, after = 0, from = 0, until = 0) {
	return `INSERT INTO forward SELECT id, '${condition}', ${+(from + until > 0)},
		'${target}', ${after}, 1, ${from}, ${until}
		FROM extension WHERE number = '${number}';`;
}

function rulesOf(number, i, now) {
	const other = 1000 + (i + 17) % 400;

	return [i % 9 === 4 && rule(number, "busy", other),
		i % 14 === 6 && rule(number, "no-answer", other, 15000),
		i % 31 === 8 && rule(number, "always", "+442079460123", 0, 0,
			now + 7 * HOUR),
		i % 47 === 9 && rule(number, "offline", "+14155550123"),
	].filter(Boolean);
}

function binding(number, phone, started, refreshed) {
	return `INSERT INTO binding (extension_id, contact, call_id, source, transport,
			user_agent, created_ms) SELECT id, '${phone.contact}', 'c', 's',
			'${phone.transport}', ${quote(phone.agent)}, ${started}
			FROM extension WHERE number = '${number}';
		INSERT INTO binding_live VALUES (last_insert_rowid(), 1, ${refreshed},
			${refreshed + 30000}, 15000);`;
}

// Somebody from outside calls; answered: speaks since then, else it rings.
function call(number, i, started, answered, now) {
	return `INSERT INTO call (tenant_id, sip_call_id, caller_tag, caller, dialled,
			callee, started_ms, rang_ms, answered_ms, expires_ms, route)
			VALUES (1, 'c${i}', 't', '+44207946${String(i).padStart(4, "0")}',
			'${number}', '${number}', ${Math.round(started)},
			${Math.round(started)}, ${Math.round(answered)}, ${now + DAY}, '');`;
}

function callsOf(number, i, now) {
	if (i % 37 === 2)
		return [call(number, i, now - between(1e3, 15e3), 0, now)];
	if (i % 7 > 1)
		return [];
	const answered = now - between(5e3, 9 * MINUTE);

	return [call(number, i, answered - between(3e3, 12e3), answered, now)];
}

function sql(n, now) {
	const out = ["BEGIN;", `UPDATE extension SET assigned_ms = ${now - 40 * DAY};`,
		`INSERT INTO server (id, nonce_key, heartbeat_ms)
			VALUES (1, zeroblob(32), ${now + HOUR});`];
	const MAX = n <= 1000 ? 1000 : 10000;

	for (let i = 0; i < n; i++) {
		const number = String(MAX + i);
		const phone = phoneOf(number, i);
		const sessions = withLosses(withOutage(daysOf(i, now), i, now), i, now);

		for (const [start, end, ending] of sessions)
			out.push(`INSERT INTO login_session (tenant_id, number, login,
				started_ms, ended_ms, ending, contact, transport, user_agent)
				SELECT 1, '${number}', login, ${Math.round(start)},
				${end ? Math.round(end) : "NULL"}, ${end ? `'${ending}'` : "NULL"},
				'${phone.contact}', '${phone.transport}', ${quote(phone.agent)}
				FROM sp_user JOIN extension ON user_id = sp_user.id
				WHERE number = '${number}';
				UPDATE extension SET session_id = last_insert_rowid()
				WHERE number = '${number}';`);
		const last = sessions.at(-1);

		if (last && !last[1])
			out.push(binding(number, phone, Math.round(last[0]),
				Math.round(now - (i % 139 === 10 ? 21e3 : between(0, 11e3)))),
				...callsOf(number, i, now));
		out.push(...rulesOf(number, i, now));
	}
	return [...out, "COMMIT;"].join("\n");
}

const [what, n, now] = process.argv.slice(2);
console.log(what === "users" ? users(+n) : sql(+n, +now));
