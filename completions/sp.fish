# Completions of the sp tools for fish. Nothing about an option stands here: the
# words come from --help of the tool in the path, live values from sp-status,
# and when either fails there are none.
#
# What an option's argument, or an operand, can be follows from its name in
# --help. A name in capitals is a kind that __sp_values knows (of others nothing
# is offered); lower|case|words are the words themselves; KIND[,KIND] and
# KIND,... are lists of them.

# __sp_help TOOL [COMMAND]
function __sp_help
    command -q $argv[1]; and command $argv --help 2>/dev/null </dev/null
end

# __sp_rows LINE...: of each option in a --help: LETTER, NAME, KIND, help, with
# TABs between.
function __sp_rows
    string replace -r -f '^  (?:(-.),|   ) (--[^ ]+)(?: ([^ ]+))?  +(.*)$' \
        '$1\t$2\t$3\t$4' -- $argv
end

# __sp_split WORD OPTION...: which of the options, all of which take an
# argument, is in WORD; and on a second line what stands in front of the
# argument, when that is in the same word: --output=FORMAT, -qoFORMAT.
function __sp_split --argument-names word
    set -l option $word
    set -l before ''
    switch $word
        case '--*=*'
            set option (string split -m 1 = -- $word)[1]
            set before $option=
        case '--*'
        case '-*'
            for i in (seq 2 (string length -- $word))
                set option -(string sub -s $i -l 1 -- $word)
                set before (string sub -l $i -- $word)
                contains -- $option $argv[2..]; and break
            end
            test $before != $word; or set before ''
    end
    contains -- $option $argv[2..]; and printf '%s\n' $option $before
end

# __sp_place OPTION VALUE: what of it says where the live values are.
function __sp_place
    contains -- $argv[1] -c --config -d --db -t --tenant
    and printf '%s\n' $argv[1] (string replace -r '^~/' "$HOME/" -- $argv[2])
end

# __sp_live FORMAT PLACE...: all users, from number, login, first and last name
# on.
function __sp_live
    command -q sp-status
    and command sp-status -q -o $argv 2>/dev/null </dev/null
end

# __sp_users COLUMN[,COLUMN] PLACE...: 1 are the numbers, 2 the logins; with
# their names.
function __sp_users --argument-names columns
    for line in (__sp_live tsv $argv[2..])
        set -l field (string split \t -- $line)
        for column in (string split , $columns)
            printf '%s\t%s\n' $field[$column] \
                (string trim -- "$field[3] $field[4]")
        end
    end
end

# __sp_values TOOL KIND PLACE...: its words.
function __sp_values --argument-names tool kind
    set -l place $argv[3..]
    switch $kind
        case FORMAT
            string split ' ' 'table tsv csv json jsonl yaml'
        case STATE
            string split ' ' \
                'free resting reserved offline registered late lost ringing busy'
        case CONDITION
            string split ' ' 'always busy no-answer offline'
        case COLUMN
            test $tool = sp-status
            and __sp_live csv $place | head -n 1 | string split ,
        case TARGET
            string split ' ' 'voicemail reject'
            __sp_users 1 $place
        case EXT
            __sp_users 1 $place
        case 'LOGIN|EXT'
            __sp_users 2,1 $place
        case 'LOGIN*'
            __sp_users 2 $place
        case '*|*'
            string match -q -r '[A-Z]' -- $kind
            or string split '|' -- $kind
    end
end

# __sp_offer TOOL KIND CURRENT BEFORE PLACE...: the words for CURRENT, with
# BEFORE, which stands in the same word, in front of them.
function __sp_offer --argument-names tool kind current before
    set -l value (string sub -s (math 1 + (string length -- $before)) \
        -- $current)
    set -l one (string replace -r '(\[,|,\.\.\.).*' '' -- $kind)
    if test $kind = FILE
        __fish_complete_path $value
    else if test $kind = $one
        __sp_values $tool $kind $argv[5..]
    else
        set before $before(string replace -r '[^,]*$' '' -- $value)
        __sp_values $tool $one $argv[5..]
    end | while read -l word
        printf '%s\n' $before$word
    end
end

function __sp
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '.*/' '' -- $words[1])
    set -e words[1]
    set -l help (__sp_help $program)
    set -l commands (string replace -r -f \
        "^(?:usage:|      ) $program ([a-z]+).*" '$1' -- $help)
    if set -q words[1]; and contains -- $words[1] $commands
        set -a program $words[1]
        set -e words[1]
        set -e commands
        set help (__sp_help $program)
    end

    set -l options # those that take an argument
    set -l kinds # of their arguments
    for row in (__sp_rows $help)
        set -l field (string split \t -- $row)
        test -n "$field[3]"; or continue
        for name in $field[1..2]
            set -a options $name
            set -a kinds $field[3]
        end
    end

    set -l place
    set -l awaited
    set -l given 0
    set -l ended
    for word in $words
        set -l split (__sp_split $word $options)
        if test -n "$awaited"
            set -a place (__sp_place $awaited $word)
            set awaited
        else if set -q ended[1]; or not string match -q -- '-?*' $word
            set given (math $given + 1)
        else if test $word = --
            set ended yes
            set options
        else if test -n "$split[2]"
            set -a place (__sp_place $split[1] \
                (string replace -- $split[2] '' $word))
        else
            set awaited $split[1]
        end
    end

    set -l split (__sp_split $current $options)
    if test -n "$awaited"
        __sp_offer $program[1] $kinds[(contains -i -- $awaited $options)] \
            $current '' $place
    else if test -n "$split[2]"
        __sp_offer $program[1] $kinds[(contains -i -- $split[1] $options)] \
            $current $split[2] $place
    else if string match -q -- '-*' $current; and not set -q ended[1]
        for row in (__sp_rows $help)
            set -l field (string split \t -- $row)
            for name in (string match -v '' -- $field[1..2])
                printf '%s\t%s\n' $name $field[4]
            end
        end
    else if set -q commands[1]
        test $given = 0; and printf '%s\n' $commands
    else
        set -l operand (string replace -r -f \
            '.*\[options\] \[?([A-Z][^] ]*)( \.\.\.)?.*' '$1\t$2' -- $help)[1]
        set operand (string split \t -- $operand)
        set -q operand[1]; or return
        test $given = 0 -o -n "$operand[2]"
        and __sp_offer $program[1] $operand[1] $current '' $place
    end
end

for tool in sp-assign sp-recycle sp-forward sp-register sp-status
    complete -c $tool -f -a '(__sp)'
end
