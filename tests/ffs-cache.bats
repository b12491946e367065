# ffs-cache: names and the kernel's events in, cache files out.
load helper.bash

# start_dataset [OPTION...]: a store with dataset d of 10 chunks and their messages; book.csv is
# the whole.
start_dataset() {
	start_node
	"${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/testdata/lobster-gen" -r 10000 -l 10 >names
	mv "$(sed -n 1p names)" book.csv
	mv "$(sed -n 2p names)" message.csv
	ffs-split -r 1000 -n d -m message.csv book.csv | ffs-load -q "$@" 2>/dev/null
}

stat_is() {
	[ "$(ffs-cache --stat --json | jq -r "$1")" = "$2" ]
}

@test "a dataset that is named is filled, with messages and manifest, and needs no store then" {
	start_dataset
	run -0 --separate-stderr ffs-cache d
	[ -z "$output" ]
	[[ $stderr == "20 filled, "*"; 0 were there" ]]
	kill "$node_pid"
	wait "$node_pid" || true
	ffs-get --cache=only d >out
	cmp out book.csv
	ffs-get --cache=only --message d | cmp - message.csv
}

@test "what is there is not fetched again, and costs no request but for the manifest" {
	start_dataset
	proxy
	ffs-cache -q d
	[ "$(grep -c csv requests)" -eq 20 ]
	: >requests
	run -0 --separate-stderr ffs-cache d
	[ "$stderr" = "0 filled, 0.0 MB; 20 were there" ]
	[ "$(cut -d' ' -f1,2 requests)" = "GET /ffs/d/manifest.json" ]
	stat_is .fills 21
}

@test "a bad command line is a usage error" {
	usage_error ffs-cache --list --stat
	usage_error ffs-cache --stat x
	usage_error ffs-cache --verify x
	usage_error ffs-cache --clear x
	usage_error ffs-cache --evict
	usage_error ffs-cache --unpin
	usage_error ffs-cache --admit some
	usage_error ffs-cache --bwlimit 10
	usage_error ffs-cache --bwlimit 10megabit
	usage_error ffs-cache --size -1
	usage_error ffs-cache --min-free 100
	usage_error ffs-cache --readahead x
	usage_error ffs-cache -j 0
	usage_error ffs-cache --list --allow x
	usage_error ffs-cache --readahead 3 d
	usage_error ffs-cache --admit all d
	usage_error ffs-cache --progress=some d
}

@test "without maps of the kernel it says what to start" {
	export FFS_BPF_DIR=$PWD/none
	run -7 --separate-stderr ffs-cache
	[ -z "$output" ]
	[[ $stderr == *"start 'sudo ffs-hotmon'" ]]
}
