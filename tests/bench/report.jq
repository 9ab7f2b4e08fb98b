# Turns the lines that bench.sh collects, one per run, into its document.
# Run with jq -s and --arg or --argjson: rounds seconds users
# extensions cpu cpus kernel.

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

def batch($name): map(select(.name == $name)) | {
	seconds: (map(.seconds) | median),
	cpu_seconds: (map(.cpu_user + .cpu_system) | median | digits(2)),
	peak_rss_mib: (map(.peak_kib / 1024) | median | digits(1))
};
def median_ms($name): map(select(.name == $name).ms) | median | digits(3);
def median_s($name): map(select(.name == $name).seconds) | median;

map(select(.main)) as $runs |
map(select(.main | not)) as $directory |
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
