package caddymodule

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// celFunction is what Caddy makes of session() in an expression.
const celFunction = "session_match_request_list"

// CELLibrary makes the matcher known to expressions.
func (MatchSession) CELLibrary(ctx caddy.Context) (cel.Library, error) {
	library, err := caddyhttp.CELMatcherImpl("session", celFunction, []*cel.Type{cel.ListType(cel.StringType)},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			words, err := data.ConvertToNative(reflect.TypeFor[[]string]())
			if err != nil {
				return nil, err
			}
			m := new(MatchSession)
			if len(words.([]string)) == 0 {
				return nil, errors.New("session() says nothing; write for example: session('authenticated')")
			}
			if err := checkQuoted(words.([]string)); err != nil {
				return nil, err
			}
			if err := m.add(words.([]string)); err != nil {
				return nil, err
			}
			return m, m.findRealm(ctx)
		})
	if err != nil {
		return nil, err
	}
	return caddyhttp.NewMatcherCELLibrary(library.CompileOptions(), append(library.ProgramOptions(), cel.CustomDecorator(refuseDynamic))), nil
}

// refuseDynamic refuses a call whose values are not known at start. Caddy would
// make the matcher anew for each request, with what the client has put there.
func refuseDynamic(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && call.OverloadID() == celFunction {
		return nil, errors.New("session() takes text in quotes only, since the client may choose what a placeholder stands for; " + insteadOfPlaceholder)
	}
	return i, nil
}

// quotedPlaceholder is what Caddy makes of a placeholder between the quotes of an
// expression: text that calls a function.
var quotedPlaceholder = regexp.MustCompile(`\b` + caddyhttp.CELPlaceholderFuncName + `\(` + caddyhttp.CELRequestVarName + `, "([^"]*)"\)`)

func checkQuoted(words []string) error {
	for _, word := range words {
		if found := quotedPlaceholder.FindStringSubmatch(word); found != nil {
			return fmt.Errorf("the placeholder {%s} stands between quotes, where it is not resolved; %s", found[1], insteadOfPlaceholder)
		}
	}
	return nil
}
