# Bash completion, asked the way the shell asks it.
# It is about a script.
# bats file_tags=plain
load helper.bash

bats_require_minimum_version 1.8.0

# complete WORD...: the replies to the last word, one a line.
complete_words() {
	bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_ffs_complete; printf "%s\n" "${COMPREPLY[@]}"' - \
		"$BATS_TEST_DIRNAME/../scripts/completion.bash" "$@"
}

# A tool whose help is known.
fake_tool() {
	mkdir -p bin
	cat >bin/ffs-load <<-'END'
		#!/bin/sh
		cat <<-HELP
		usage: ffs-load [-hqVvz] [-j jobs] [file...]
		  -j, --jobs=N            in flight
		      --json              a line per chunk
		      --progress=auto|line|none
		      --keep              leave what was uploaded
		HELP
	END
	chmod +x bin/ffs-load
	PATH=$PWD/bin:$PATH
}

@test "long options come from the tool's help" {
	fake_tool
	run -0 complete_words ffs-load --j
	[ "$output" = "--jobs"$'\n'"--json" ]
	run -0 complete_words ffs-load --keep
	[ "$output" = --keep ]
}

@test "the values of an option are completed behind its equals sign" {
	fake_tool
	run -0 complete_words ffs-load --progress =
	[ "$output" = "auto"$'\n'"line"$'\n'"none" ]
	run -0 complete_words ffs-load --progress = l
	[ "$output" = line ]
	run -0 complete_words ffs-load --progress=n
	[ "$output" = none ]
}

@test "files and unknown options are left to the shell" {
	fake_tool
	run -0 complete_words ffs-load dat
	[ -z "$output" ]
	run -0 complete_words ffs-load --nosuch = x
	[ -z "$output" ]
	run -0 complete_words ffs-nosuch --x
	[ -z "$output" ]
}

@test "every tool completes the options in its page" {
	for page in "$BATS_TEST_DIRNAME"/../man/*.1; do
		tool=$(basename "$page" .1)
		for option in $(sed -n 's/^\.It Fl.*Fl -\([a-z0-9-]*\).*/--\1/p' "$page"); do
			run -0 complete_words "$tool" "$option"
			[[ $'\n'$output$'\n' == *$'\n'$option$'\n'* ]] || { echo "$tool $option" >&2; false; }
		done
	done
}

@test "every tool that is built is completed" {
	for page in "$BATS_TEST_DIRNAME"/../man/*.1; do
		run -0 grep -cE "^complete .* $(basename "$page" .1)( |$)" "$BATS_TEST_DIRNAME/../scripts/completion.bash"
	done
}
