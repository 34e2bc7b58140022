while [ $# -gt 0 ]; do
	option=$1 value=''
	shift
	case $option in
	--component=* | @VALUED@=*) value=${option#*=} option=${option%%=*} ;;
	--component | @VALUED@)
		[ $# -ge 1 ] || die "$option needs a value; see ./@SCRIPT@ --help"
		value=$1
		shift
		;;
	esac
	case $option in
	--component)
		case $value in '' | *[!a-z0-9-]*) die "this bundle has no component $value" ;; esac
		only="$only $value"
		;;
	--dry-run) dry_run=1 ;;
	-h | --help)
		usage
		exit 0
		;;
	*) own_option "$option" "$value" || die "unknown option $option; see ./@SCRIPT@ --help" ;;
	esac
done
for name in $only; do
	releases | awk -v name="$name" '$4 == name { found = 1 } END { exit !found }' ||
		die "this bundle has no component $name; it has $(releases | awk '!seen[$4]++ { printf "%s%s", sep, $4; sep = ", " }')"
done
