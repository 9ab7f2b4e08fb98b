# Turns the lines that bench.sh collects, one per run, into its document.
# Run with jq -s and --arg or --argjson: rounds seconds users extensions kept
# cpu cpus kernel.

def median:
	sort | length as $n |
	if $n == 0 then null
	elif $n % 2 == 1 then .[($n - 1) / 2]
	else (.[$n / 2 - 1] + .[$n / 2]) / 2 end;

def digits($n):
	if . == null then . else . * pow(10; $n) | round / pow(10; $n) end;

# Of the runs of one name, the median of each figure.
def failures: [.prefill, .main | .other + .timeouts + .malformed] | add;
def summary: {
	reg_per_s: (map(.main.reg_per_s) | median | round),
	p50_ms: (map(.main.reg_us.p50 / 1000) | median | digits(3)),
	p99_ms: (map(.main.reg_us.p99 / 1000) | median | digits(3)),
	server_cpu_s_per_10k:
		(map(.main.server_cpu_s_per_10k) | median | digits(4)),
	prefill_reg_per_s: (map(.prefill.reg_per_s) | median | round),
	retransmits: (map(.prefill.retransmits + .main.retransmits) | add),
	failed: (map(failures) | add)
};

# The machine may slow down from one round to the next, so divide within a
# round and take the median of the quotients.
def ratio($runs; over; under):
	[$runs | group_by(.round)[] | over as $a | under as $b |
	 select($a and $b and $b > 0) | $a / $b] | median | digits(3);

def first_of($name): map(select(.name == $name))[0];
def rate($name): first_of($name) | .main.reg_per_s;
def seconds($name): first_of($name) | .seconds;
def ms($name): first_of($name) | .ms;

# Of the lines with calls.
def calls_per_s($name): first_of($name) | .calls.main.calls_per_s;
def cpu_per_call($name):
	first_of($name) | .calls.main.server_cpu_s_per_1k;
def call_failures: [.calls[] | .failed? // empty] | add;
def call_summary: {
	calls_per_s: (map(.calls.main.calls_per_s) | median | round),
	ring_p50_ms: (map(.calls.main.ring_us.p50 / 1000) | median | digits(3)),
	ring_p99_ms: (map(.calls.main.ring_us.p99 / 1000) | median | digits(3)),
	answer_p50_ms:
		(map(.calls.main.answer_us.p50 / 1000) | median | digits(3)),
	answer_p99_ms:
		(map(.calls.main.answer_us.p99 / 1000) | median | digits(3)),
	server_cpu_s_per_1k:
		(map(.calls.main.server_cpu_s_per_1k // 0) | median | digits(4)),
	server_peak_mib:
		(map((.calls.main.server_kib // 0) / 1024) | median | round),
	retransmits: (map(.calls.main.retransmits) | add),
	failed: (map(call_failures) | add)
};
def call_row($name):
	map(select(.name == $name and .calls.main)) |
	if . == [] then null else call_summary end;

# What calls in progress cost: memory each, and speed of the others.
def kept_row($server):
	. as $all | "\($server)-kept" as $name |
	map(select(.name == $name and .calls.main)) |
	if . == [] then null else {
		calls_per_s: (map(.calls.main.calls_per_s) | median | round),
		"kept/none": ratio($all; calls_per_s($name);
			calls_per_s($server)),
		kib_per_call: (map(.calls.keep | select(.completed > 0) |
			(.server_kib - .server_kib_before) / .completed) |
			median | digits(2)),
		failed: (map(call_failures) | add)
	} end;

def registration_ms($name; q):
	map(select(.name == $name).registrations.reg_us | q / 1000) |
	median | digits(3);
def beside_row($server):
	map(select(.name == "\($server)-half-rate")) as $calls |
	map(select(.name == "\($server)-beside")) as $beside |
	if $calls == [] then null else {
		calls_per_s:
			($calls | map(.calls.rate) | median | round),
		p50_alone_ms: registration_ms("\($server)-alone"; .p50),
		p50_beside_ms: registration_ms("\($server)-beside"; .p50),
		p99_alone_ms: registration_ms("\($server)-alone"; .p99),
		p99_beside_ms: registration_ms("\($server)-beside"; .p99),
		calls_answer_p99_ms: ($calls | map(.calls.main.answer_us.p99 /
			1000) | median | digits(3)),
		retransmits: (($calls | map(.calls.main.retransmits) | add) +
			($beside | map(.registrations.retransmits) | add)),
		failed: (($calls | map(call_failures) | add) +
			($beside | map(.registrations | .other + .timeouts +
				.malformed) | add))
	} end;

def batch($name): map(select(.name == $name)) | {
	seconds: (map(.seconds) | median),
	cpu_seconds: (map(.cpu_user + .cpu_system) | median | digits(2)),
	peak_rss_mib: (map(.peak_kib / 1024) | median | digits(1))
};
def median_ms($name): map(select(.name == $name).ms) | median | digits(3);
def median_s($name): map(select(.name == $name).seconds) | median;

map(select(.main)) as $runs |
map(select(.calls or .registrations)) as $calls |
map(select(.main or .calls or .registrations | not)) as $directory |
{
	machine: {$cpu, $cpus, $kernel},
	$rounds,
	$seconds
} + if $runs == [] then {} else {
	registrar: {
		aors: $runs[0].count,
		servers: ($runs | map(select(.name != "sp-half-rate")) |
			reduce .[] as $r ({}; .[$r.name] += [$r]) |
			map_values(summary)),
		sp_at_half_rate: ($runs | map(select(.name == "sp-half-rate")) |
			if . == [] then null else summary end),
		ratios: ([
			"kamailio-write-through", "kamailio-memory-auth",
			"kamailio-noauth", "udpecho" | . as $other |
			{key: "sp/\(.)",
			 value: ratio($runs; rate("sp"); rate($other))}
		] | from_entries)
	}
} end + if $calls == [] then {} else {
	calls: ($calls | {
		generator: call_row("generator") | {calls_per_s, failed},
		servers: ([("kamailio", "kamailio-digest", "sp", "sp-digest") as
			$name | {key: $name, value: call_row($name)}] |
			from_entries),
		kept: ({calls: $kept} + ([("kamailio", "sp") as $name |
			{key: $name, value: kept_row($name)}] | from_entries)),
		register_beside_calls: ([("kamailio", "sp") as $name |
			{key: $name, value: beside_row($name)}] |
			from_entries),
		ratios: {
			"sp/kamailio": ratio($calls; calls_per_s("sp");
				calls_per_s("kamailio")),
			"sp-digest/kamailio-digest": ratio($calls;
				calls_per_s("sp-digest");
				calls_per_s("kamailio-digest")),
			"kamailio/sp cpu": ratio($calls;
				cpu_per_call("kamailio"); cpu_per_call("sp"))
		}
	})
} end + if $directory == [] then {} else {
	directory: ($directory | {
		users: $users,
		extensions: $extensions,
		assign: {
			into_empty: batch("assign-into-empty"),
			into_large: batch("assign-into-large"),
			"large/empty": ratio($directory;
				seconds("assign-into-large");
				seconds("assign-into-empty"))
		},
		status: {
			all: batch("status-all"),
			summary: batch("status-summary"),
			match: batch("status-match"),
			one_ms: median_ms("status-one"),
			free_ms: median_ms("status-free")
		},
		forward_resolve_ms: median_ms("forward-resolve"),
		recycle: {
			first: batch("recycle"),
			scattered: batch("recycle-scattered")
		},
		assign_one: {
			alone_ms: median_ms("assign-one"),
			beside_server_ms: median_ms("assign-one-beside-server"),
			fsync_ms: median_ms("fsync"),
			empty_process_ms: median_ms("empty-process"),
			loaded_process_ms: median_ms("loaded-process"),
			"alone/least": ratio($directory; ms("assign-one");
				ms("fsync") + ms("empty-process")),
			"beside_server/least": ratio($directory;
				ms("assign-one-beside-server");
				ms("fsync") + ms("empty-process"))
		},
		assign_hundred: {
			kamctl_s: median_s("hundred-kamctl"),
			processes_s: median_s("hundred-processes"),
			file_s: median_s("hundred-file"),
			"kamctl/processes": ratio($directory;
				seconds("hundred-kamctl");
				seconds("hundred-processes")),
			"kamctl/file": ratio($directory;
				seconds("hundred-kamctl");
				seconds("hundred-file"))
		}
	})
} end
