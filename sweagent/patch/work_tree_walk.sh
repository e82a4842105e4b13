# Write the names of a work tree into a file, each after a letter for its kind and ended by a NUL.
#
#   sh work_tree_walk.sh WORK_TREE FOLDER     writes FOLDER/names; ends with 3 when there is no work tree
#
# f file, x executable, l link, s folder that is left out, u folder that cannot be read, o other, g a .git
walk() {
  for p in "$1"* "$1".[!.]* "$1"..?*; do
    name=${p##*/}
    if [ "$name" = .git ]; then if [ -L "$p" ] || [ -e "$p" ]; then printf 'g%s\0' "$p"; fi
    elif [ -L "$p" ]; then printf 'l%s\0' "$p"
    elif [ -f "$p" ]; then if [ -x "$p" ]; then printf 'x%s\0' "$p"; else printf 'f%s\0' "$p"; fi
    elif [ -d "$p" ]; then
      case $name in @HEAVY@) printf 's%s\0' "$p"; continue ;; esac
      if [ -r "$p" ] && [ -x "$p" ]; then walk "$p/"; else printf 'u%s\0' "$p"; fi
    elif [ -e "$p" ]; then printf 'o%s\0' "$p"
    fi
  done
}
unset GLOBIGNORE
cd "$1" || exit 3
walk '' > "$2/names"
