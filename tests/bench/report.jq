# Turns the lines that bench.sh collects, one per run, into its document.
# Run with jq -s and --arg or --argjson: rounds seconds cpu cpus kernel.

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
def ratio($runs; $over; $under):
	[$runs | group_by(.round)[] |
	 (map(select(.name == $over))[0].main.reg_per_s) as $a |
	 (map(select(.name == $under))[0].main.reg_per_s) as $b |
	 select($a and $b and $b > 0) | $a / $b] | median | digits(3);

map(select(.main)) as $runs |
map(select(.name == "sp-assign")) as $assign |
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
			"kamailio-noauth", "udpecho" |
			{key: "sp/\(.)", value: ratio($runs; "sp"; .)}
		] | from_entries)
	}
} end + if $assign == [] then {} else {
	assign: {
		users: $assign[0].users,
		seconds: ($assign | map(.seconds) | median),
		peak_rss_mib: ($assign | map(.peak_rss_mib) | median | digits(1))
	}
} end
