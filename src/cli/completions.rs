//! The completion scripts: one block of rows made from the tables, and for each shell the code that reads it.
//!
//! A script follows the words before the cursor, skips the values of options, and offers the commands and options of
//! the place it got to, the choices of an option, or files.

use super::options::{Arity, OPTIONS, Opt};
use super::table::{Action, COMMANDS};

/// The script of a shell, by its word in [`super::table::SHELLS`].
pub fn script(shell: &str) -> Option<String> {
    // The rows stand between single quotes, where the template has `§`: what a `'` among them becomes.
    let (template, quote) = match shell {
        "bash" => (BASH, "'\\''"),
        "zsh" => (ZSH, "'\\''"),
        "fish" => (FISH, "\\'"),
        "powershell" => (POWERSHELL, "'"),
        "elvish" => (ELVISH, "''"),
        _ => return None,
    };
    Some(template.replace('§', &rows().replace('\'', quote)))
}

/// `w|PLACE|WORD||LEADS TO|ABOUT` for a command or a choice of operands, `o|PLACE|--LONG|-SHORT|TAKES|ABOUT` for an
/// option; the place `any` is every one. A second spelling leads somewhere and has no text, so that it is followed and not
/// offered; `w|PLACE|||one|` or `many` says that operands are the names of secrets. What an option takes is nothing, `text`, `file`, or the choices.
fn rows() -> String {
    let mut rows = String::with_capacity(12 * 1024);
    for command in &COMMANDS {
        let place = command.path();
        for child in command.children() {
            // `oz help` leads back to the start: the words after it are those of a command.
            let to = match child.action {
                Action::Help => place.clone(),
                _ => child.path(),
            };
            add(&mut rows, ["w", &place, child.word(), "", &to, child.about]);
            if let Some(alias) = child.alias {
                add(&mut rows, ["w", &place, alias, "", &to, ""]);
            }
        }
        if matches!(command.action, Action::Update | Action::Delete) {
            let is_many = command.operand.is_some_and(|operand| operand.many);
            let count = if is_many { "many" } else { "one" };
            add(&mut rows, ["w", &place, "", "", count, ""]);
        }
        for choice in command.operand.map_or(&[][..], |operand| operand.choices) {
            add(&mut rows, ["w", &place, choice, "", "", choice]);
        }
        for option in OPTIONS
            .iter()
            .filter(|option| option.is_accepted_by(command) && !option.is_global())
        {
            add_option(&mut rows, &place, option);
        }
    }
    for option in OPTIONS.iter().filter(|option| option.is_global()) {
        add_option(&mut rows, "any", option);
    }
    rows
}

fn add(rows: &mut String, cells: [&str; 6]) {
    rows.push_str(&cells.join("|"));
    rows.push('\n');
}

fn add_option(rows: &mut String, place: &str, option: &Opt) {
    let short = option
        .short
        .map_or_else(String::new, |short| format!("-{short}"));
    let takes = match &option.choices()[..] {
        _ if option.arity() != Arity::Required => String::new(),
        [] if option.placeholder == "FILE" => "file".to_owned(),
        [] => "text".to_owned(),
        choices => choices.join(" "),
    };
    add(
        rows,
        ["o", place, option.long, &short, &takes, &option.about()],
    );
}

// The scripts are indented with tabs: 2 kB less than with blanks.

/// Readline cuts words at `=` and `:` too.
const BASH: &str = r#"# bash completion for oz
_oz_rows='§'

_oz() {
	local -A next=() takes=() words=() options=()
	local row place word short to about
	while IFS='|' read -r row place word short to about; do
		case $row in
		w)
			next[$place:$word]=$to
			if [[ -n $about ]]; then words[$place]+=" $word"; fi
			;;
		o)
			options[$place]+=" $word"
			takes[$word]=$to
			if [[ -n $short ]]; then takes[$short]=$to; fi
			;;
		esac
	done <<<"$_oz_rows"

	local cur=${COMP_WORDS[COMP_CWORD]} prefix='' at=oz last='' pending='' literal='' operand='' used=' ' scope='' i
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == [=:] ]]; then
			pending=${last:-:}
		elif [[ -n $pending ]]; then
			if [[ $pending == --team ]]; then scope+==$word; fi
			pending=''
		elif [[ -n $literal ]]; then
			operand=1
		elif [[ $word == -- ]]; then
			literal=1
		elif [[ $word == -?* ]]; then
			last=$word used+="$word "
			if [[ $word == --team* || $word == --personal ]]; then scope=$word; fi
			if [[ -n ${takes[$word]-} ]]; then pending=$word; fi
		elif [[ -z $operand && -n ${next[$at:$word]-} ]]; then
			at=${next[$at:$word]}
		else
			operand=1
		fi
	done
	if [[ $cur == [=:] ]]; then
		pending=${last:-:} cur=''
	elif [[ $cur == --*=* ]]; then
		pending=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}
	fi

	local offer=''
	COMPREPLY=()
	if [[ -n $pending ]]; then
		case ${takes[$pending]-} in
		'' | text) return ;;
		file)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$cur")
			return
			;;
		*) offer=${takes[$pending]} ;;
		esac
	elif [[ -n ${next[$at:]-} && ( -n $literal || $cur != -* ) ]]; then
		if [[ -z $operand || ${next[$at:]} == many ]]; then _oz_secrets "$cur" $scope; fi
		return
	elif [[ -n $literal ]]; then
		return
	elif [[ $cur == -* ]]; then
		for word in ${options[$at]-} ${options[any]-}; do
			if [[ $used != *" $word "* ]]; then offer+=" $word"; fi
		done
	elif [[ -z $operand ]]; then
		offer=${words[$at]-}
	fi
	mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$offer" -- "$cur")
}

# Offers the names of secrets, quoted as the word before the cursor is.
_oz_secrets() {
	local name quoted typed=$1 quote=''
	shift
	if [[ $typed == [\'\"]* ]]; then quote=${typed:0:1} typed=${typed:1}; fi
	while IFS= read -r name; do
		# What can't stand in double quotes, and a last quote that readline takes for the closing one.
		if [[ $quote == \" && $name == *!* || -n $quote && $name == *"$quote" ]]; then continue; fi
		case $quote in
		\') quoted=${name//\'/\'\\\'\'} ;;
		\")
			quoted=${name//\\/\\\\} quoted=${quoted//\"/\\\"} quoted=${quoted//\$/\\\$} quoted=${quoted//\`/\\\`}
			;;
		*) printf -v quoted %q "$name" ;;
		esac
		if [[ $name == "$typed"* || $quoted == "$typed"* ]]; then COMPREPLY+=("$quoted"); fi
	done < <(command oz secret list --names "$@" --output-format text --no-input --timeout 2 2>/dev/null </dev/null)
}
complete -F _oz oz
"#;

const ZSH: &str = r#"#compdef oz
_oz_rows='§'

_oz() {
	local -A next takes
	local -a list lines
	local at=oz pending= literal= operand= scope= line row place word short to about
	integer i
	lines=(${(f)_oz_rows})
	for line in $lines; do
		IFS='|' read -r row place word short to about <<<$line
		if [[ $row == w ]]; then
			next[$place:$word]=$to
		else
			takes[$word]=$to
			if [[ -n $short ]]; then takes[$short]=$to; fi
		fi
	done
	for ((i = 2; i < CURRENT; i++)); do
		word=$words[i]
		if [[ -n $pending ]]; then
			pending=
		elif [[ -n $literal ]]; then
			operand=1
		elif [[ $word == -- ]]; then
			literal=1
		elif [[ $word == -?* ]]; then
			if [[ -n $takes[$word] ]]; then pending=$word; fi
			if [[ $word == (--team*|--personal) ]]; then scope=$word; fi
		elif [[ -z $operand && -n $next[$at:$word] ]]; then
			at=$next[$at:$word]
		else
			operand=1
		fi
	done
	if [[ -z $pending && $PREFIX == --*=* ]]; then
		pending=${PREFIX%%=*}
		compset -P '*='
	fi
	if [[ -n $pending ]]; then
		case $takes[$pending] in
			(''|text) return 1 ;;
			(file) _files ;;
			(*) compadd -- ${=takes[$pending]} ;;
		esac
		return
	fi
	if [[ -n $next[$at:] && ( -n $literal || $PREFIX != -* ) && ( -z $operand || $next[$at:] == many ) ]]; then
		list=(${(f)"$(command oz secret list --names ${(Q)scope} --output-format text --no-input --timeout 2 2>/dev/null </dev/null)"})
		compadd -- $list
		return
	fi
	if [[ -n $literal ]]; then return 1; fi
	for line in $lines; do
		IFS='|' read -r row place word short to about <<<$line
		if [[ $PREFIX == -* ]]; then
			if [[ $row == o && ( $place == $at || $place == any ) && -z ${words[(r)$word]} ]]; then
				list+=("$word:$about")
			fi
		elif [[ $row == w && $place == $at && -n $about && -z $operand ]]; then
			list+=("$word:$about")
		fi
	done
	if [[ $PREFIX == -* ]]; then
		_describe -o option list
	else
		_describe command list
	fi
}

if [[ $funcstack[1] == _oz ]]; then
	_oz "$@"
else
	compdef _oz oz
fi
"#;

/// `__oz_to` says where a word leads, given as `PLACE:WORD`, what an option takes, or, for `PLACE:`, how many names of
/// secrets are operands there.
const FISH: &str = r#"# fish completion for oz
set -g __oz_rows '§'

function __oz_complete
	set -l at oz
	set -l pending ''
	set -l literal ''
	set -l operand ''
	set -l scope
	set -l before (commandline -opc)
	set -l current (commandline -ct)
	set -l rows (string split \n -- $__oz_rows)
	for word in $before[2..]
		if test -n "$pending"
			set pending ''
		else if test -n "$literal"
			set operand 1
		else if test "$word" = --
			set literal 1
		else if string match -q -- '-?*' "$word"
			set -l takes (__oz_to "$word")
			test -n "$takes"; and set pending "$takes"
			string match -qr -- '^--(team|personal)' "$word"; and set scope $word
		else
			set -l to
			test -z "$operand"; and set to (__oz_to "$at:$word")
			if test -n "$to"
				set at $to
			else
				set operand 1
			end
		end
	end
	set -l prefix ''
	if test -z "$pending"; and string match -q -- '--*=*' "$current"
		set prefix (string replace -r -- '=.*' '=' "$current")
		set pending (__oz_to (string replace -- '=' '' "$prefix"))
		test -n "$pending"; or return
	end
	switch "$pending"
		case ''
		case text
			return
		case file
			for path in (__fish_complete_path (string replace -- "$prefix" '' "$current"))
				echo "$prefix$path"
			end
			return
		case '*'
			printf "$prefix%s\n" (string split ' ' -- $pending)
			return
	end
	set -l names (__oz_to "$at:")
	if test -n "$names"; and begin
			test -n "$literal"; or not string match -q -- '-*' "$current"
		end
		if test -z "$operand" -o "$names" = many
			command oz secret list --names $scope --output-format text --no-input --timeout 2 2>/dev/null </dev/null
		end
		return
	end
	test -n "$literal"; and return
	for line in $rows
		set -l cell (string split '|' -- $line)
		if string match -q -- '-*' "$current"
			if test "$cell[1]" = o; and contains -- "$cell[2]" "$at" any; and not contains -- "$cell[3]" $before
				printf '%s\t%s\n' $cell[3] "$cell[6]"
			end
		else if test "$cell[1]" = w -a "$cell[2]" = "$at" -a -n "$cell[6]" -a -z "$operand"
			printf '%s\t%s\n' $cell[3] "$cell[6]"
		end
	end
end

function __oz_to
	for line in (string split \n -- $__oz_rows)
		set -l cell (string split '|' -- $line)
		if test "$cell[1]:$cell[2]:$cell[3]" = "w:$argv[1]"; or contains -- "$argv[1]" $cell[3] $cell[4]
			echo $cell[5]
			return
		end
	end
end

complete -c oz -f -a '(__oz_complete)'
"#;

const POWERSHELL: &str = r#"# PowerShell completion for oz
Register-ArgumentCompleter -Native -CommandName oz -ScriptBlock {
	param($wordToComplete, $commandAst, $cursorPosition)
	$rows = @'
§'@ -split "`r?`n" | Where-Object { $_ } | ForEach-Object { , ($_ -split '\|') }
	$takes = @{}
	$next = @{}
	foreach ($row in $rows) {
		if ($row[0] -ceq 'w') {
			$next[$row[1] + ':' + $row[2]] = $row[4]
		} else {
			$takes[$row[2]] = $row[4]
			if ($row[3]) { $takes[$row[3]] = $row[4] }
		}
	}
	$at = 'oz'; $pending = $null; $literal = $false; $operand = $false
	foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
		if ($element.Extent.EndOffset -ge $cursorPosition) { break }
		$word = $element.ToString()
		if ($pending) { $pending = $null }
		elseif ($literal) { $operand = $true }
		elseif ($word -ceq '--') { $literal = $true }
		elseif ($word -like '-?*') { if ($takes[$word]) { $pending = $takes[$word] } }
		elseif (-not $operand -and $next["${at}:$word"]) { $at = $next["${at}:$word"] }
		else { $operand = $true }
	}
	$offers = @()
	if ($pending -and $pending -cnotin 'text', 'file') {
		$offers = $pending -split ' ' | ForEach-Object { , @($_, $_) }
	} elseif (-not $pending -and -not $literal) {
		foreach ($row in $rows) {
			if ($wordToComplete -like '-*') {
				if ($row[0] -ceq 'o' -and $row[1] -cin $at, 'any') { $offers += , @($row[2], $row[5]) }
			} elseif ($row[0] -ceq 'w' -and $row[1] -ceq $at -and $row[5] -and -not $operand) {
				$offers += , @($row[2], $row[5])
			}
		}
	}
	$offers | Where-Object { $_[0] -like "$wordToComplete*" } | ForEach-Object {
		[System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
	}
}
"#;

const ELVISH: &str = r#"# Elvish completion for oz. Put this into ~/.config/elvish/rc.elv: eval (oz completions elvish | slurp)
# or save the script as ~/.config/elvish/lib/oz.elv and put there: use oz
use str
var oz-rows = [(print '§' | each {|line| put [(str:split '|' $line)] })]
set edit:completion:arg-completer[oz] = {|@words|
	var next = [&]
	var takes = [&]
	for row $oz-rows {
		if (eq $row[0] w) {
			set next[$row[1]':'$row[2]] = $row[4]
		} elif (not-eq $row[4] '') {
			set takes[$row[2]] = $row[4]
			set takes[$row[3]] = $row[4]
		}
	}
	var at = oz
	var pending = ''
	var prefix = ''
	var literal = $false
	var operand = $false
	var used = [&]
	var scope = []
	for word $words[1..-1] {
		if (not-eq $pending '') {
			set pending = ''
		} elif $literal {
			set operand = $true
		} elif (eq $word '--') {
			set literal = $true
		} elif (and (str:has-prefix $word '-') (not-eq $word '-')) {
			var option = [(str:split '=' $word)][0]
			set used[$option] = $true
			if (has-value [--team --personal] $option) { set scope = [$word] }
			if (has-key $takes $word) { set pending = $takes[$word] }
		} elif (and (not $operand) (has-key $next $at':'$word)) {
			set at = $next[$at':'$word]
		} else {
			set operand = $true
		}
	}
	var current = $words[-1]
	var dash = (and (not $literal) (str:has-prefix $current '-'))
	if (and $dash (eq $pending '') (str:contains $current '=')) {
		var option = [(str:split '=' $current)][0]
		set prefix = $option'='
		if (has-key $takes $option) { set pending = $takes[$option] }
	}
	if (eq $pending file) {
		edit:complete-filename (str:trim-prefix $current $prefix) | each {|file|
			edit:complex-candidate $prefix$file[stem] &code-suffix=$file[code-suffix] &display=$file[display]
		}
	} elif (eq $pending text) {
		nop
	} elif (not-eq $pending '') {
		str:split ' ' $pending | each {|choice| put $prefix$choice }
	} elif (and (not $dash) (has-key $next $at':')) {
		if (or (not $operand) (eq $next[$at':'] many)) {
			nop ?(e:oz secret list --names $@scope --output-format text --no-input --timeout 2 2>/dev/null </dev/null)
		}
	} elif (not $literal) {
		for row $oz-rows {
			var is-option = (and (eq $row[0] o) (has-value [$at any] $row[1]) (not (has-key $used $row[2])))
			var is-word = (and (eq $row[0] w) (eq $row[1] $at) (not-eq $row[5] '') (not $operand))
			if (or (and $dash $is-option) (and (not $dash) $is-word)) {
				edit:complex-candidate $row[2] &display=$row[2]'  '$row[5]
			}
		}
	}
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::table::SHELLS;

    #[test]
    fn rows_have_six_cells() {
        for row in rows().lines() {
            assert_eq!(row.split('|').count(), 6, "{row}");
            assert!(!row.contains('\\') && !row.starts_with('\''), "{row}");
        }
    }

    #[test]
    fn every_listed_shell_has_a_script_with_every_option() {
        for shell in SHELLS {
            let script = script(shell).unwrap();
            for option in &OPTIONS {
                assert!(script.contains(&format!("|{}|", option.long)), "{shell}");
            }
            assert!(script.ends_with('\n') && !script.contains('§'));
        }
        assert!(script("tcsh").is_none());
    }

    #[test]
    fn what_is_offered_is_what_the_parser_accepts() {
        for row in rows().lines() {
            let cells: Vec<&str> = row.split('|').collect();
            let place = |path: &str| COMMANDS.iter().find(|c| c.path() == path);
            match cells[..] {
                ["w", at, "", "", count, ""] => {
                    let action = place(at).unwrap().action;
                    assert!(matches!(action, Action::Update | Action::Delete), "{row}");
                    assert!(matches!(count, "one" | "many"), "{row}");
                }
                ["w", at, word, "", "", _] => {
                    let operand = place(at).unwrap().operand.unwrap();
                    assert!(operand.choices.contains(&word), "{row}");
                }
                ["w", at, word, "", to, _] => {
                    let child = place(at).unwrap().child(word).unwrap();
                    assert!(child.path() == to || child.action == Action::Help, "{row}");
                }
                ["o", at, long, short, _, _] => {
                    let option = OPTIONS.iter().find(|o| o.long == long).unwrap();
                    assert_eq!(option.short, short.chars().nth(1), "{row}");
                    assert!(
                        at == "any" && option.is_global()
                            || option.is_accepted_by(place(at).unwrap()),
                        "{row}"
                    );
                }
                _ => panic!("{row}"),
            }
        }
    }
}
