# scripts/demo from end to end, on a small book.
# It is about scripts: what the programs do there has tests of its own.
# bats file_tags=plain
load helper.bash

bats_require_minimum_version 1.8.0

setup_file() {
	demo=$(realpath "$BATS_TEST_DIRNAME/../scripts/demo")
	export demo
}

# The demo, as it is called, but in a TMPDIR of its own and without a look at packages and make.
run_demo() {
	mkdir -p tmp bin
	printf '#!/bin/sh\nexit 0\n' >bin/make
	chmod +x bin/make
	TMPDIR=$PWD/tmp FFS_DEMO_USER=1 FFS_DEMO_BUILD=${FFS_TEST_BUILD-} PATH=$PWD/bin:$PATH \
		"$demo" "$@"
}

# Nothing in TMPDIR, and no process that has it in its command line.
left_nothing() {
	[ -z "$(ls -A tmp)" ] || { ls -R tmp >&2; return 1; }
	local p
	for p in /proc/[0-9]*; do
		if tr '\0' ' ' <"$p/cmdline" 2>/dev/null | grep -qF "$PWD/tmp"; then
			echo "${p#/proc/}: $(tr '\0' ' ' <"$p/cmdline")" >&2
			return 1
		fi
	done
}

@test "the demo proves that what comes out is what went in, and leaves nothing" {
	run -0 run_demo --rows 3000 --levels 5
	[[ $output == *"== ffs-get lobster | cmp - BOOK"*"equal: "*" bytes"* ]]
	[[ $output == *"equal: rows 1500 to 2499"* ]]
	[[ $output == *"rows of that minute"* ]]
	[[ $output == *" MB/s"* ]]
	[[ ${lines[-3]} == *"ffs-node --serve"* ]]
	[[ ${lines[-2]} == *"ffs-split"*"ffs-load"* ]]
	[[ ${lines[-1]} == *"ffs-get"* ]]
	left_nothing
}

@test "the demo never looks at the caller's configuration" {
	mkdir -p "$HOME/.config/ffs" "$HOME/.aws"
	echo "nonsense" | tee "$HOME/.config/ffs/credentials" "$HOME/.config/ffs/nodes" "$HOME/.aws/config" >/dev/null
	export AWS_ACCESS_KEY_ID=wrong AWS_SECRET_ACCESS_KEY=wrong AWS_ENDPOINT_URL=http://127.0.0.1:1
	export FFS_BUCKET=other FFS_NODES=/nonexistent XDG_CONFIG_HOME=$HOME/.config
	run -0 run_demo --rows 3000 --levels 2
	[ "$(cat "$HOME/.config/ffs/credentials")" = nonsense ]
	left_nothing
}

@test "Ctrl-C ends the demo by that signal and leaves nothing" {
	# A terminal sends it to the whole group; an asynchronous command of the shell would ignore it.
	mkdir -p tmp bin
	printf '#!/bin/sh\nexit 0\n' >bin/make
	chmod +x bin/make
	TMPDIR=$PWD/tmp FFS_DEMO_USER=1 FFS_DEMO_BUILD=${FFS_TEST_BUILD-} PATH=$PWD/bin:$PATH \
		setsid env --default-signal=INT "$demo" --rows 400000 --levels 50 >out 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	until_true 60 grep -q '^http://' out
	kill -INT -- "-$pid"
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" -eq 130 ]
	grep -q 'interrupted, cleaned up' out
	left_nothing
}

@test "a bad option or number is a usage error before anything is done" {
	run -2 "$demo" --rows 10
	run -2 "$demo" --rows x
	run -2 "$demo" --levels 0
	run -2 "$demo" --what
}

@test "the demo of unchanged programs shows its five passes with the redirect off and on, and leaves nothing" {
	need_root
	/usr/bin/python3 -c 'import boto3' || need "needs python3-boto3"
	mkdir tmp
	TMPDIR=$PWD/tmp FFS_DEMO_BUILD=${FFS_TEST_BUILD-} FFS_PEERS=$PWD/none \
		run -0 --separate-stderr "$(dirname "$demo")/demo-unchanged" --rows 3000 --levels 5
	[[ $output == *"boto3, get_object(), over loopback"*"curl --aws-sigv4, over loopback"* ]]
	[[ $output == *"boto3, get_object(), over a link of 170 Mbit/s"*"curl --aws-sigv4, over a link of 170 Mbit/s"* ]]
	[ "$(grep -cE '^redirect off +([0-9.]+ +){4}[0-9.]+$' <<<"$output")" -eq 4 ]
	[ "$(grep -cE '^redirect on +([0-9.]+ +){4}[0-9.]+$' <<<"$output")" -eq 4 ]
	left_nothing
}

@test "without root the demo of unchanged programs sets their endpoint, and says so" {
	/usr/bin/python3 -c 'import boto3' || need "needs python3-boto3"
	mkdir -m 1777 tmp
	cat >as <<-END
		#!/bin/bash
		export TMPDIR=$PWD/tmp FFS_DEMO_BUILD=${FFS_TEST_BUILD-} FFS_PEERS=$PWD/none PATH=$PWD/bin:$PATH
		exec "$(dirname "$demo")/demo-unchanged" --rows 3000 --levels 5
	END
	mkdir bin
	printf '#!/bin/sh\necho 1000\n' >bin/id # whoever runs the tests
	chmod +x as bin/id
	run -0 --separate-stderr ./as
	[[ $output == *"(not root: no redirect"* ]]
	[[ $output == *"boto3, get_object(), over loopback"* && $output != *"170 Mbit/s"$'\n'* ]]
	[ "$(grep -cE '^endpoint: the gateway(, --max-age 1h)? +([0-9.]+ +){4}[0-9.]+$' <<<"$output")" -eq 4 ]
	left_nothing
}
