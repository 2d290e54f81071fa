package caddymodule

import (
	"encoding/json"
	"strconv"
	"strings"
)

// sameNumber reports whether two texts are JSON numbers of one value. It compares
// digits: a float64 takes 9007199254740993 for 9007199254740992.
func sameNumber(a, b string) bool {
	x, ok1 := parseDecimal(a)
	y, ok2 := parseDecimal(b)
	return ok1 && ok2 && x == y
}

// decimal is 0.<digits> times ten to the exponent, in the one form without zeros
// at either end; zero has no digits.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

// maxExponent is far above any number's that means something, and far from where
// the sum with a number of digits would overflow.
const maxExponent = 1 << 32

func parseDecimal(text string) (decimal, bool) {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') || strings.ContainsAny(text, " \t\r\n") || !json.Valid([]byte(text)) {
		return decimal{}, false
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	d := decimal{negative: negative, exponent: int64(len(digits) - len(fraction))}
	if d.digits = strings.TrimRight(digits, "0"); d.digits == "" {
		return decimal{}, true
	}
	if scientific {
		power, err := strconv.ParseInt(exponent, 10, 64)
		if err != nil || power > maxExponent || power < -maxExponent {
			return decimal{}, false
		}
		d.exponent += power
	}
	return d, true
}
