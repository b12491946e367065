# What the gateway keeps while it streams, who may read that, and when nobody is asked.
load helper.bash

raw=$BATS_TEST_DIRNAME/s3raw

# A store with the bucket bkt and the object big.bin (3 MB), its keys in the environment; ./direct is
# its URL. proxied RULE...: behind a proxy that spoils requests (tests/proxy).
store() {
	need_cmd /usr/bin/python3
	export FFS_BPF_DIR="$PWD/nopins"
	start_node
	own_keys
	direct=$url
	"$raw" "$direct" PUT /bkt >/dev/null
	head -c 3000000 /dev/urandom >big.bin
	put big.bin big.bin
}

proxied() {
	url=$direct
	proxy "$@"
	url=$AWS_ENDPOINT_URL
}

# put KEY FILE [URL]: a file of any size, at the store itself or by URL.
put() {
	curl -sS --fail -T "$2" "$("$raw" -u -p 600 "${3-$direct}" PUT "/bkt/$1")"
}

# gate_for KEY: a presigned URL of the gateway's, which proves that we have the store's key.
gate_for() {
	"$raw" -u -p 600 "$gate_url" GET "/bkt/$1"
}

# got CODE [OPTION VALUE]... METHOD TARGET...: what s3raw says of it through the gateway.
got() {
	local code=$1 options=()
	shift
	while [[ $1 == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	"$raw" "${options[@]}" "$gate_url" "$@" >answer || { cat answer >&2; return 1; }
	[ "$(head -c 3 answer)" = "$code" ] || { cat answer >&2; return 1; }
}

# asked METHOD KEY: how often the proxy was.
asked() {
	grep -c "^$1 /bkt/$2" requests || true
}

was_asked() {
	[ "$(asked GET "$1")" -eq "$2" ]
}

# Entries of the cache: their keys.
entries() {
	ffs-cache --list --json | sed -n 's/.*"key":"\([^"]*\)".*/\1/p' | sort | tr '\n' ' '
}

is_kept() {
	[[ " $(entries)" == *" $1 "* ]]
}

# Files of the cache that are being filled.
unfinished() {
	find "$HOME/.cache/ffs/v1" -name '.*' -type f 2>/dev/null | wc -l
}

no_leftovers() {
	[ "$(unfinished)" -eq 0 ]
}

# The gateway with metrics; active N: so many requests are under way.
start_gate_counting() {
	start_gate --metrics 127.0.0.1:0 "$@"
}

metric() {
	curl -sS "http://$metrics/metrics" | sed -n "s/^ffs_gate_$1 //p"
}

active() {
	[ "$(metric requests_active)" -eq "$1" ]
}

@test "an object that misses is kept with --admit all, and only then" {
	store
	proxied
	start_gate
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	[ -z "$(entries)" ]
	stop_gate
	start_gate --admit all
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	until_true 10 is_kept big.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	ffs-cache --verify
	# What clients see of it is what the store said.
	for fields in '' 'x-amz-checksum-mode: ENABLED'; do
		"$raw" "$direct" GET /bkt/big.bin ${fields:+"$fields"} >direct.answer
		"$raw" "$gate_url" GET /bkt/big.bin ${fields:+"$fields"} >gate.answer
		diff direct.answer gate.answer
	done
	# Nothing of what is no whole object, or none at all.
	printf xy >small.txt
	put small.txt small.txt
	got 206 GET /bkt/small.txt 'Range: bytes=0-0'
	got 404 GET /bkt/none
	got 200 GET '/bkt?list-type=2'
	got 200 HEAD /bkt/small.txt
	[ "$(entries)" = "big.bin " ]
	no_leftovers
}

@test "what --allow and --deny leave out passes and is not kept" {
	store
	put wanted.csv big.bin
	start_gate --admit all --allow 'bkt/*.csv' --allow 'bkt/b*' --deny 'bkt/big.*'
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	curl -sS --fail "$(gate_for wanted.csv)" | cmp - big.bin
	until_true 10 is_kept wanted.csv
	[ "$(entries)" = "wanted.csv " ]
}

@test "without the kernel's events an object is kept at its second read" {
	store
	proxied
	start_gate
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	[ -z "$(entries)" ]
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	until_true 10 is_kept big.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	was_asked big.bin 3
}

@test "a range that is the whole object is kept as that, at once or at its second read" {
	store
	proxied
	start_gate --admit all
	# What its client sees is the store's answer to a range.
	for at in "$direct" "$gate_url"; do
		"$raw" "$at" GET /bkt/big.bin 'Range: bytes=0-52428799' >"answer.${at##*:}"
	done
	cmp "answer.${direct##*:}" "answer.${gate_url##*:}"
	until_true 10 is_kept big.bin
	ffs-cache --verify
	for fields in '' 'x-amz-checksum-mode: ENABLED' 'Range: bytes=7-1999'; do
		"$raw" "$direct" GET /bkt/big.bin ${fields:+"$fields"} >direct.answer
		"$raw" "$gate_url" GET /bkt/big.bin ${fields:+"$fields"} >gate.answer
		diff direct.answer gate.answer
	done
	stop_gate
	ffs-cache --clear >/dev/null
	start_gate
	curl -sS --fail --range 0-5242879 "$(gate_for big.bin)" | cmp - big.bin
	[ -z "$(entries)" ]
	curl -sS --fail --range 0-5242879 "$(gate_for big.bin)" | cmp - big.bin
	until_true 10 is_kept big.bin
	curl -sS --fail --range 0-5242879 "$(gate_for big.bin)" | cmp - big.bin
	hits=$(ffs-cache --stat --json | sed -n 's/.*"hits":\([0-9]*\).*/\1/p')
	[ "$hits" -gt 0 ]
}

# in_parts KEY: read it by three ranges, as programs do who read large objects.
in_parts() {
	local r
	for r in 0-999999 1000000-1999999 2000000-; do
		curl -sS --fail --range "$r" "$(gate_for "$1")"
	done
}

@test "what is read in parts is fetched whole: at once, or when it is read again" {
	store
	proxied
	start_gate --admit all
	# Not of a part that is read once.
	curl -sS --fail --range 0-99 "$(gate_for big.bin)" | cmp - <(head -c 100 big.bin)
	in_parts big.bin | cmp - big.bin
	until_true 10 is_kept big.bin
	was_asked big.bin 5
	in_parts big.bin | cmp - big.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	hits=$(ffs-cache --stat --json | sed -n 's/.*"hits":\([0-9]*\).*/\1/p')
	[ "$hits" -eq 4 ]
	ffs-cache --verify
	stop_gate
	ffs-cache --clear >/dev/null
	start_gate
	in_parts big.bin | cmp - big.bin
	[ -z "$(entries)" ]
	curl -sS --fail --range 0-0 "$(gate_for big.bin)" | cmp - <(head -c 1 big.bin)
	until_true 10 is_kept big.bin
	in_parts big.bin | cmp - big.bin
}

@test "what is read in parts is fetched of the origin that is named, and not without credentials" {
	store
	proxied
	unset AWS_ENDPOINT_URL
	start_gate --admit all --origin "$url"
	in_parts big.bin | cmp - big.bin
	until_true 10 is_kept big.bin
	in_parts big.bin | cmp - big.bin
	was_asked big.bin 7
	stop_gate
	ffs-cache --clear >/dev/null
	env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY \
		ffs-cache --serve 127.0.0.1:0 --origin "$url" --admit all -v >keyless.url 2>keyless.log 3>&- &
	pids+=("$!")
	until_true 10 grep -q "in parts of '$url' is not kept: there are no credentials" keyless.log
}

# readers N URL [OPTION...]: curls in the background, outputs in ./out.1 and so on; their ids in readers.
readers() {
	local i
	readers=()
	for ((i = 1; i <= $1; i++)); do
		curl -sS --fail "${@:2}" -o "out.$i" 2>"err.$i" 3>&- &
		readers+=("$!")
		pids+=("$!")
	done
}

all_right() {
	local i p
	for p in "${readers[@]}"; do wait "$p"; done
	for ((i = 1; i <= ${#readers[@]}; i++)); do cmp "out.$i" "${1-big.bin}"; done
}

@test "32 clients that ask for one cold object make one origin request" {
	store
	proxied GET big.bin 1 gate
	start_gate_counting --admit all --max-age 60
	readers 32 "$(gate_for big.bin)"
	until_true 30 active 32
	touch gate.open
	all_right
	was_asked big.bin 1
	[ "$(metric flights_joined_total)" -eq 31 ]
	until_true 10 is_kept big.bin
}

@test "a range that may be all of a cold object is one request, too, and no other range waits for it" {
	store
	for range in 0-2999999 0-; do
		rm -f gate.*
		proxied GET big.bin 1 gate
		start_gate_counting --admit all --max-age 60
		readers 32 "$(gate_for big.bin)" --range $range
		until_true 20 test -e gate.reached
		until_true 30 active 32
		curl -sS --fail --range 0-99 "$(gate_for big.bin)" | cmp - <(head -c 100 big.bin)
		touch gate.open
		all_right
		was_asked big.bin 2
		until_true 10 is_kept big.bin
		stop_gate
		ffs-cache --clear >/dev/null
	done
	# It is not: then each gets his own, and who asks for all of it has it kept.
	rm -f gate.*
	proxied GET big.bin 1 gate
	start_gate_counting --admit all --max-age 60
	readers 4 "$(gate_for big.bin)" --range 0-99
	until_true 20 test -e gate.reached
	until_true 20 active 4
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	until_true 10 is_kept big.bin
	touch gate.open
	head -c 100 big.bin >first.bin
	all_right first.bin
}

@test "without --max-age one of the 32 asks once more, for all: is it still the current one" {
	store
	proxied GET big.bin 1 gate
	start_gate_counting --admit all
	readers 32 "$(gate_for big.bin)"
	until_true 30 active 32
	touch gate.open
	all_right
	was_asked big.bin 2
	[ "$(metric flights_joined_total)" -eq 31 ]
	until_true 10 is_kept big.bin
}

@test "who comes together with the first is served by the one request, without --max-age, too" {
	store
	proxied
	start_gate_counting --admit all
	# The gateway finds them all at once.
	kill -STOP "$gate_pid"
	readers 32 "$(gate_for big.bin)"
	all_sent() {
		# Their requests are in its sockets.
		[ "$(ss -Htn state established "sport = :${gate_url##*:}" | awk '$1 > 0' | wc -l)" -eq 32 ]
	}
	until_true 30 all_sent
	kill -CONT "$gate_pid"
	all_right
	was_asked big.bin 1
	until_true 10 is_kept big.bin
}

@test "who comes while an object arrives reads it after a 304, within --max-age without" {
	store
	proxied GET big.bin 1 half
	start_gate_counting --admit all
	readers 1 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	curl -sS --fail --range 1000-1999 "$(gate_for big.bin)" | cmp - <(tail -c +1001 big.bin | head -c 1000)
	# Not one that is far from there yet: the origin gives it.
	was_asked big.bin 2
	touch gate.open
	all_right
	stop_gate
	ffs-cache --clear >/dev/null
	rm gate.*
	proxied GET big.bin 1 half
	start_gate_counting --admit all --max-age 60
	readers 8 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	until_true 20 active 8
	touch gate.open
	all_right
	was_asked big.bin 1
}

@test "the first client may leave: the others go on, and the object is kept" {
	store
	proxied GET big.bin 1 half
	start_gate_counting --admit all
	readers 2 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	until_true 20 active 2
	kill "${readers[0]}"
	touch gate.open
	wait "${readers[1]}"
	cmp out.2 big.bin
	until_true 10 is_kept big.bin
	until_true 20 active 0
	[ "$(metric flights_lost_total)" -eq 0 ]
}

@test "the store's silence to the last who reads ends what another had begun" {
	store
	proxied GET big.bin 1 half GET big.bin 1 gate
	FFS_GATE_TIMES=answer=5s start_gate_counting --admit all
	# The one takes little of it, and leaves; the other asks whether it is the current version.
	readers 1 "$(gate_for big.bin)" --limit-rate 1k
	until_true 20 test -e gate.reached
	"$raw" "$gate_url" GET /bkt/big.bin >other 3>&- &
	other=$!
	pids+=("$other")
	until_true 20 was_asked big.bin 2
	kill "${readers[0]}"
	wait "$other"
	[[ $(head -n 1 other) == "504 "* ]]
	until_true 20 active 0
	until_true 20 no_leftovers
	[ "$(metric flights_active)" -eq 0 ]
	stop_gate
}

@test "when nobody reads any more the origin is left, and nothing stays behind" {
	store
	proxied GET big.bin 1 half
	start_gate_counting --admit all
	readers 1 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	kill "${readers[0]}"
	# It is noticed when it is written to.
	touch gate.open
	until_true 20 active 0
	until_true 20 no_leftovers
	[ "$(metric flights_active)" -eq 0 ]
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
}

@test "a slow client holds up nobody, and nothing" {
	store
	head -c 30000000 /dev/urandom >huge.bin
	put huge.bin huge.bin
	start_gate_counting --admit all
	curl -sS --fail --limit-rate 100k "$(gate_for huge.bin)" -o slow 3>&- &
	slow=$!
	pids+=("$slow")
	until_true 20 active 1
	curl -sS --fail "$(gate_for huge.bin)" | cmp - huge.bin
	until_true 20 is_kept huge.bin
	curl -sS --fail "$(gate_for huge.bin)" | cmp - huge.bin
	kill -0 "$slow"
}

@test "a client with another key waits for the answer, asks himself, and gets the store's 403" {
	store
	proxied GET big.bin 1 gate
	start_gate_counting --admit all --max-age 60
	readers 1 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	"$raw" -k "OTHERKEY:othersecret" "$gate_url" GET /bkt/big.bin >other 3>&- &
	other=$!
	pids+=("$other")
	"$raw" -k "$AWS_ACCESS_KEY_ID:wrong" "$gate_url" GET /bkt/big.bin >wrong 3>&- &
	wrong=$!
	pids+=("$wrong")
	"$raw" -k '' "$gate_url" GET /bkt/big.bin >nobody 3>&- &
	nobody=$!
	pids+=("$nobody")
	until_true 20 active 4
	was_asked big.bin 1
	touch gate.open
	wait "$other" "$wrong" "$nobody"
	for f in other wrong nobody; do [[ $(head -n 1 "$f") == "403 "* ]]; done
	all_right
	was_asked big.bin 4
	until_true 10 is_kept big.bin
	# Nor when it is there.
	got 403 -k "OTHERKEY:othersecret" GET /bkt/big.bin
	got 403 -k "$AWS_ACCESS_KEY_ID:wrong" GET /bkt/big.bin
	got 403 -k '' GET /bkt/big.bin
}

@test "an object that is written while it arrives is not kept, and nobody gets the old one" {
	store
	head -c 2000000 /dev/urandom >new.bin
	proxied GET big.bin 1 half
	start_gate_counting --admit all
	readers 1 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	# By another machine, then by the gateway itself.
	put big.bin new.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - new.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - new.bin
	touch gate.open
	all_right
	until_true 20 active 0
	curl -sS --fail "$(gate_for big.bin)" | cmp - new.bin
	stop_gate

	rm gate.*
	put big.bin big.bin
	ffs-cache --evict 'bkt/*' >/dev/null
	proxied GET big.bin 1 half
	start_gate_counting --admit all --max-age 60
	readers 1 "$(gate_for big.bin)"
	until_true 20 test -e gate.reached
	put big.bin new.bin "$gate_url"
	curl -sS --fail "$(gate_for big.bin)" | cmp - new.bin
	touch gate.open
	all_right
	until_true 20 active 0
	curl -sS --fail "$(gate_for big.bin)" | cmp - new.bin
}

@test "objects that are written all the time, here and elsewhere, are never read as they were" {
	store
	start_gate_counting --admit all
	run -0 "$BATS_TEST_DIRNAME/gate/overwrites" "$direct" "$gate_url" 100
	[ "$output" -gt 0 ]
	[ "$(metric flights_total)" -gt 0 ]
	stop_gate
	# What is written through the gateway is, even inside --max-age.
	start_gate --admit all --max-age 60
	run -0 "$BATS_TEST_DIRNAME/gate/overwrites" "$gate_url" "$gate_url" 50
	[ "$output" -gt 0 ]
	ffs-cache --verify
}

@test "an origin that dies in the middle: clients see a cut transfer, and nothing is kept" {
	store
	proxied GET big.bin 1 trunc
	start_gate --admit all
	run -18 curl -sS --fail "$(gate_for big.bin)" -o part
	[ "$(stat -c %s part)" -lt 3000000 ]
	until_true 10 no_leftovers
	[ -z "$(entries)" ]
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	until_true 10 is_kept big.bin
}

@test "a full disk harms no client" {
	need_root
	store
	mkdir small
	cat >full.bash <<-'END'
		set -eu
		mount -t tmpfs -o size=2m none small
		export FFS_CACHE=$PWD/small/cache
		. ./functions.bash
		start_gate_counting --admit all
		curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
		curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
		until_true 10 active 0
		[ -z "$(entries)" ]
		kill "$gate_pid"
		wait "$gate_pid"
	END
	{
		declare -f
		declare -p raw url BATS_TEST_DIRNAME
		echo 'pids=()'
	} >functions.bash
	timeout 60 unshare --mount --propagation private bash full.bash 3>&-
}

@test "inside --max-age nobody is asked, and only for who proves our key" {
	store
	start_gate --admit all --max-age 300
	got 200 GET /bkt/big.bin
	until_true 10 is_kept big.bin
	# What was asked for in the very second is asked for again: times are whole seconds.
	kill -STOP "$node_pid"
	kill -KILL "$node_pid"
	wait "$node_pid" || true
	got 200 GET /bkt/big.bin
	got 200 HEAD /bkt/big.bin
	got 206 GET /bkt/big.bin 'Range: bytes=5-9'
	got 200 -p 60 GET /bkt/big.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	# The store would have to be asked, and is away.
	got 503 -k '' GET /bkt/big.bin
	got 503 -k "OTHERKEY:othersecret" GET /bkt/big.bin
	got 503 -k "$AWS_ACCESS_KEY_ID:wrong" GET /bkt/big.bin
	got 503 -p 60 -t -61 GET /bkt/big.bin
	got 503 -t 1000 GET /bkt/big.bin
	got 503 -t -1000 GET /bkt/big.bin
	got 503 GET /bkt/big.bin 'Cache-Control: no-cache'
	got 503 GET /bkt/big.bin 'x-amz-request-payer: requester'
	got 503 GET /bkt/none
}

# An object of which nobody is asked: not in the second in which something was written.
kept_fresh() {
	"$raw" -d old "$direct" PUT /bkt/k >/dev/null
	ffs-cache --evict 'bkt/k' >/dev/null 2>&1 || true
	until_true 20 served_from_cache
}

served_from_cache() {
	local cached='requests_total{from="cache",method="GET",code="2xx"}' before
	before=$(metric "$cached")
	got 200 GET /bkt/k
	[ "$(metric "$cached")" -gt "$before" ]
}

# written TEXT ARG...: an object is kept, then s3raw ARG... through the gateway makes it TEXT ("": gone).
written() {
	local text=$1 answer
	shift
	kept_fresh
	answer=$("$raw" "${@//GATE/${gate_url#http://}}")
	[[ $answer == 20* ]] || { echo "$answer" >&2; return 1; }
	"$raw" "$gate_url" GET /bkt/k >answer
	if [ -n "$text" ]; then
		[ "$(tail -n 1 answer)" = "$text" ] || { echo "$*" >&2; cat answer >&2; return 1; }
	else
		[[ $(head -n 1 answer) == "404 "* ]] || { echo "$*" >&2; cat answer >&2; return 1; }
	fi
}

@test "inside --max-age what is written through the gateway is, in whatever words" {
	need_cmd /usr/bin/python3
	export FFS_BPF_DIR="$PWD/nopins" MINIO_DOMAIN=stores.example
	start_minio
	url=$AWS_ENDPOINT_URL direct=$AWS_ENDPOINT_URL
	made_bucket() { [[ $("$raw" "$url" PUT /bkt) =~ ^(200|409) ]]; }
	until_true 30 made_bucket
	start_gate_counting --admit all --max-age 300
	written new1 -d new1 "$gate_url" PUT /bkt/k
	# By names that nobody told us.
	written new2 -H "alias.example:80" -d new2 "$gate_url" PUT /bkt/k
	written new3 -H "bkt.stores.example" -d new3 "$gate_url" PUT /k
	written new4 -d new4 "$gate_url" PUT http://GATE/bkt/k
	written new5 -d new5 "$gate_url" PUT "/bkt/%6b?partNumber=1"
	written '' -H alias.example "$gate_url" DELETE http://alias.example/bkt/k
	# By lists of names, forms, and from elsewhere.
	list='<Delete><Object><Key>k</Key></Object></Delete>'
	sum=$(printf %s "$list" | openssl md5 -binary | base64)
	written '' -d "$list" "$gate_url" POST '/bkt?%64elete' "Content-MD5: $sum"
	written '' -H bkt.stores.example -d "$list" "$gate_url" POST '/?delete' "Content-MD5: $sum"
	"$raw" -d other "$direct" PUT /bkt/other >/dev/null
	written other -H alias.example "$gate_url" PUT /bkt/k 'x-amz-copy-source: /bkt/other'
	policy=$(printf '{"expiration":"2999-01-01T00:00:00Z","conditions":[{"bucket":"bkt"},["starts-with","$key",""]]}' | base64 -w 0)
	kept_fresh
	"$raw" -H alias.example -d "$(printf -- '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\n%s\r\n--x--\r\n' "$policy")" \
		"$gate_url" POST '/bkt?any' 'Content-Type: multipart/form-data; boundary=x' >/dev/null
	[ -z "$(entries)" ]
	# Its fields, too.
	written old -H alias.example -d '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>' "$gate_url" PUT '/bkt/k?tagging'
	grep -q 'x-amz-tagging-count: 1' answer
	# In parts: nothing before the end.
	id=$("$raw" "$gate_url" POST '/bkt/k?uploads' | sed -n 's/.*<UploadId>\(.*\)<.UploadId>.*/\1/p')
	[ -n "$id" ]
	"$raw" -d whole "$gate_url" PUT "/bkt/k?partNumber=1&uploadId=$id" >part
	tag=$(sed -n 's/^etag: //p' part)
	is_kept k
	written whole -H alias.example -d "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>$tag</ETag></Part></CompleteMultipartUpload>" \
		"$gate_url" POST "/bkt/k?uploadId=$id"
}

@test "behind --max-age the store is asked again" {
	store
	proxied
	start_gate --admit all --max-age 1
	got 200 GET /bkt/big.bin
	until_true 10 is_kept big.bin
	asked_again() {
		got 200 GET /bkt/big.bin
		[ "$(asked GET big.bin)" -gt 1 ]
	}
	until_true 10 asked_again
}

@test "where the store is away or in trouble --stale-if-error serves what was right, and says so" {
	store
	proxied GET big.bin 1 - GET big.bin 1 503 GET big.bin 1 500 GET big.bin 1 501
	start_gate --admit all --stale-if-error 300
	got 200 GET /bkt/big.bin
	until_true 10 is_kept big.bin
	got 200 GET /bkt/big.bin
	got 200 GET /bkt/big.bin
	got 501 GET /bkt/big.bin
	grep "in trouble.*'s3://bkt/big.bin'" gate.log
	stop_gate
	kill -KILL "${pids[1]}" # the proxy: the entry's name has its address
	start_gate --stale-if-error 300
	got 200 GET /bkt/big.bin
	curl -sS --fail "$(gate_for big.bin)" | cmp - big.bin
	grep "is away.*'s3://bkt/big.bin'" gate.log
	got 503 -k "OTHERKEY:othersecret" GET /bkt/big.bin
	got 503 -k '' GET /bkt/big.bin
	got 503 PUT /bkt/big.bin
	stop_gate
	# Off by default, and over some time.
	start_gate
	got 503 GET /bkt/big.bin
	stop_gate
	start_gate --stale-if-error 1
	too_old() { got 503 GET /bkt/big.bin; }
	until_true 10 too_old
}
