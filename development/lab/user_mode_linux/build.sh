#!/bin/sh
# Compiles user-mode Linux, and prints a line for each file that it compiles.
# Arguments: the archive with Debian's package of Linux' source; the kernel's configuration; a directory for `linux` and `modules`.
set -eu
archive=$1 config=$2 target=$3
source=$target/source
mkdir "$source"
tar -xOf "$archive" --wildcards './usr/src/linux-source-*.tar.xz' | tar -xJ -C "$source" --strip-components=1

linux() { make -C "$source" -j "$(nproc)" ARCH=um KCONFIG_ALLCONFIG="$config" "$@"; }
linux allnoconfig
# Another version may have made an option a part of something else, so this is only for the log.
grep '^CONFIG_' "$config" | grep -vxF -f "$source/.config" | sed 's/^/not in this version of Linux: /' || :
linux linux modules
linux modules_install INSTALL_MOD_PATH="$target/modules" INSTALL_MOD_STRIP=1 DEPMOD=/sbin/depmod
rm "$target"/modules/lib/modules/*/build
strip -o "$target/linux" "$source/linux"
rm -r "$source" "$archive"
