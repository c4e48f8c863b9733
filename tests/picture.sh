#!/bin/sh
# Draws a part of what `make demo` prints as a terminal window, in SVG: picture.sh <OUTPUT >PICTURE
#
# What differs from run to run, such as ports and paths, is in the parts that are left out.
set -eu

# In the C locale every awk works on bytes.
LC_ALL=C awk '
function escaped(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

function columns(text) {
    gsub(/[\200-\277]/, "", text) # All bytes of a character but its first.
    return length(text)
}

function style(text) {
    if (text ~ /^\$ /) return "font-weight=\"bold\" fill=\"#ffffff\""
    if (text ~ /^error: /) return "fill=\"#ff7b72\""
    if (text ~ /^hint: /) return "fill=\"#56d4dd\""
    if (text ~ /^\(exit code /) return "fill=\"#848d97\""
    return "fill=\"#c9d1d9\""
}

/^$/ { blank = 1 }
/^#/ || /^$/ { shown = 0 }
/^\$ / { shown = /oz secret create / || /oz secret import [^ ]*$/ || (/oz secret list$/ && !lists++) }
shown {
    if (blank && count) count++
    blank = 0
    lines[++count] = $0
    if (columns($0) > widest) widest = columns($0)
}

END {
    # Most monospace fonts are 0.6 times as wide as their size; textLength fits the others to the columns.
    size = 15; column = 9; row = 18; left = 22; bar = 38
    width = widest * column + 2 * left
    height = bar + count * row + 26
    what = "Terminal session: oz stores three secrets, lists them, imports a .env file, refuses an unclear line and a name that is taken"
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", width, height, width, height, what
    printf "<title>%s</title>\n", what
    printf "<rect x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"10\" fill=\"#161b22\" stroke=\"#3d444d\"/>\n", width - 1, height - 1
    printf "<path d=\"M1 %d.5H%d\" stroke=\"#3d444d\"/>\n", bar, width - 1
    for (i = 0; i < 3; i++) printf "<circle cx=\"%d\" cy=\"%d\" r=\"6\" fill=\"#3d444d\"/>\n", left + 6 + 20 * i, bar / 2
    printf "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, \047DejaVu Sans Mono\047, monospace\" font-size=\"%d\">\n", size
    printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#848d97\">make demo</text>\n", width / 2, bar / 2 + 5
    for (i = 1; i <= count; i++) {
        if (lines[i] == "") continue
        printf "<text x=\"%d\" y=\"%d\" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" %s>%s</text>\n", left, bar + i * row + 8, columns(lines[i]) * column, style(lines[i]), escaped(lines[i])
    }
    print "</g>\n</svg>"
}'
