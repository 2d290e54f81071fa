package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The picture, in pixels: a frame with the axes, and room for the words.
const (
	plotWidth, plotHeight                    = 760, 400
	plotLeft, plotTop, plotRight, plotBottom = 80, 50, 600, 340
)

var plotColors = []string{"#0b63c5", "#b3401b", "#2b7a3d"}

// plot draws the series as an SVG. Both axes are logarithmic.
func plot(all []series) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="Cost of a decision against number of rules, sessions and revocations">`+"\n",
		plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<text x="%d" y="28" font-size="16">Time of one decision, least of 15 rounds</text>`+"\n", plotLeft)
	const fewest, most = 10.0, 100_000.0
	low, high := 10*time.Nanosecond, 100*time.Microsecond
	x := func(n float64) float64 {
		return plotLeft + (plotRight-plotLeft)*math.Log(n/fewest)/math.Log(most/fewest)
	}
	y := func(cost time.Duration) float64 {
		return plotBottom - (plotBottom-plotTop)*math.Log(float64(cost)/float64(low))/math.Log(float64(high)/float64(low))
	}
	for n := fewest; n <= most; n *= 10 {
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n",
			x(n), plotTop, x(n), plotBottom, x(n), plotBottom+20, n)
	}
	for cost := low; cost <= high; cost *= 10 {
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y(cost), plotRight, y(cost), plotLeft-8, y(cost)+4, cost)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">how many there are</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+45)
	for i, s := range all {
		var path []string
		for _, p := range s.points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(float64(p.n)), y(p.cost)))
		}
		last := s.points[len(s.points)-1]
		color := plotColors[i%len(plotColors)]
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), color)
		for _, p := range s.points {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%d %s: %s</title></circle>`+"\n", x(float64(p.n)), y(p.cost), color, p.n, s.name, p.cost)
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="%s">%s: %s</text>`+"\n", x(float64(last.n))+10, y(last.cost)+4, color, s.name, last.cost)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}
