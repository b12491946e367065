# What the gateway tells of itself: /metrics, /healthz, and who was served from where.
load helper.bash

# A store with the bucket bkt and an object in it, and the gateway before it with --metrics.
gated() {
	need_cmd curl
	need_cmd jq
	start_node --anonymous
	curl -sSf -X PUT "$url/bkt"
	curl -sSf -X PUT -d 0123456789 "$url/bkt/o"
	start_gate --metrics 127.0.0.1:0 "$@"
}

# scrape: what /metrics says, which is in its format, into ./scraped.
scrape() {
	curl -sSf "http://$metrics/metrics" >scraped
	"${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/unit/metrics" check scraped
}

# sample NAME{LABELS} VALUE: it says so, soon.
has_sample() {
	scrape && grep -qxF "$1 $2" scraped
}

sample() {
	until_true 10 has_sample "$1" "$2" || { grep -F "${1%%[{]*}" scraped >&2; return 1; }
}

@test "/metrics says what was served from where, as clients saw it" {
	gated
	sample 'ffs_gate_requests_total{from="origin",method="GET",code="2xx"}' 0
	sample ffs_gate_accepting 1
	curl -sSf "$gate_url/bkt/o" >out
	sample 'ffs_gate_requests_total{from="origin",method="GET",code="2xx"}' 1
	sample 'ffs_gate_response_bytes_total{from="origin"}' 10
	ffs-cache -q s3://bkt/o
	curl -sSf "$gate_url/bkt/o" >out
	[ "$(cat out)" = 0123456789 ]
	curl -sSf -r 2-4 "$gate_url/bkt/o" >out
	[ "$(cat out)" = 234 ]
	sample 'ffs_gate_requests_total{from="revalidated",method="GET",code="2xx"}' 2
	sample 'ffs_gate_response_bytes_total{from="revalidated"}' 13
	sample 'ffs_gate_request_duration_seconds_count{from="revalidated"}' 2
	sample 'ffs_gate_request_duration_seconds_bucket{from="revalidated",le="+Inf"}' 2
	sample ffs_cache_entries 1
	sample ffs_cache_bytes 10
	# Writes, errors of the store, and our own.
	curl -sSf -X PUT -d abc "$gate_url/bkt/w"
	curl -sS "$gate_url/bkt/none" >out
	curl -sS -X DELETE "$gate_url/bkt/w"
	printf 'GET /bkt/o HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n' |
		timeout 10 curl -sS "telnet://${gate_url#http://}" >out || true
	sample 'ffs_gate_requests_total{from="origin",method="PUT",code="2xx"}' 1
	sample 'ffs_gate_requests_total{from="origin",method="GET",code="4xx"}' 1
	sample 'ffs_gate_requests_total{from="origin",method="DELETE",code="2xx"}' 1
	sample 'ffs_gate_requests_total{from="gateway",method="other",code="4xx"}' 1
	sample ffs_gate_request_bytes_total 3
	sample ffs_gate_requests_active 0
	# The store is away: the gateway says so itself.
	kill "$node_pid"
	wait "$node_pid" || true
	[ "$(curl -sS -o out -w '%{http_code}' "$gate_url/bkt/o")" = 503 ]
	sample 'ffs_gate_requests_total{from="gateway",method="GET",code="5xx"}' 1
	grep -q '^ffs_gate_origin_connections_failed_total [1-9]' scraped
}

@test "where the metrics are is said behind the gateway's own URL" {
	gated
	[ "$(sed -n 1p gate.url)" = "$gate_url" ]
	[ "$(sed -n 2p gate.url)" = "http://$metrics/metrics" ]
	[ "$(wc -l <gate.url)" -eq 2 ]
	[ "${metrics##*:}" -gt 0 ]
	stop_gate
	start_gate --json --metrics '[::1]:0'
	[[ $(jq -r 'select(.type == "serve") | .url + " " + .metrics' gate.url) =~ ^http://127.0.0.1:[1-9][0-9]*\ http://\[::1\]:[1-9][0-9]*$ ]]
	stop_gate
	start_gate --json
	[ "$(jq -r 'select(.type == "serve") | .metrics' gate.url)" = null ]
}

@test "/healthz is 200 while it serves, and gone with it; nothing else is there" {
	gated
	[ "$(curl -sS -w ' %{http_code}' "http://$metrics/healthz" | tr -d '\n')" = "ok 200" ]
	[ "$(curl -sS -o out -w '%{http_code}' "http://$metrics/")" = 404 ]
	[ "$(curl -sS -o out -w '%{http_code}' -X POST -d x "http://$metrics/metrics")" = 405 ]
	run -1 --separate-stderr ffs-cache --serve 127.0.0.1:0 --origin "$url" --metrics "$metrics"
	[[ $stderr == "ffs-cache: cannot listen on '$metrics': Address already in use"* ]]
	stop_gate
	run -7 curl -sS "http://$metrics/healthz"
	usage_error ffs-cache --metrics 127.0.0.1:1
}

@test "ffs-cache --stat and /metrics name who was served by the gateway" {
	gated --max-age 60s
	ffs-cache -q s3://bkt/o
	curl -sSf "$gate_url/bkt/o" >out
	served() {
		[ "$(ffs-cache --stat --json | jq -c '[.served.origin + .served.revalidated + .served.cache, .served.stale]')" = "$1" ]
	}
	until_true 10 served '[1,0]'
	scrape
	grep -q '^ffs_served_requests_total{program="[^"]*",uid="[0-9]*",from="[a-z]*"} 1$' scraped
}
