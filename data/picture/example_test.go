package picture_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"github.com/chainrule-go/chainrule/data/picture"
)

// A seven of black ink, drawn far out on a large page, comes back white on
// black, of MNIST's size and in the middle.
func Example() {
	page := image.NewGray(image.Rect(0, 0, 400, 300))
	draw.Draw(page, page.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(page, image.Rect(290, 20, 350, 32), image.Black, image.Point{}, draw.Src)
	for y := 32; y < 120; y++ {
		draw.Draw(page, image.Rect(338-(y-32)/2, y, 350-(y-32)/2, y+1), image.Black, image.Point{}, draw.Src)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, page); err != nil {
		panic(err)
	}

	img, err := picture.Decode(&file, "seven.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	pixels, err := picture.Digit(img)
	if err != nil {
		fmt.Println(err)
		return
	}
	for y := 6; y < picture.Side; y++ {
		for _, v := range pixels[y*picture.Side : (y+1)*picture.Side] {
			fmt.Printf("%c", ".:-=+*#%@"[int(v)*8/255])
		}
		fmt.Println()
	}
	// Output:
	// ............................
	// ........@@@@@@@@@@@@........
	// ........@@@@@@@@@@@@........
	// ........=========*@%........
	// .................#@+........
	// ................-@%.........
	// ................#@+.........
	// ...............-@%..........
	// ...............#@+..........
	// ..............-@%...........
	// ..............#@+...........
	// .............-@%............
	// .............#@+............
	// ............-@%.............
	// ............#@+.............
	// ...........-@%..............
	// ...........#@+..............
	// ..........-@%...............
	// ..........#@+...............
	// .........-@%................
	// .........#@+................
	// ............................
}

func ExampleRaw() {
	img := image.NewGray(image.Rect(0, 0, 3, 1))
	img.SetGray(1, 0, color.Gray{Y: 200})
	fmt.Println(picture.Raw(img, 3, 1))
	_, err := picture.Raw(img, 28, 28)
	fmt.Println(err)
	// Output:
	// [0 200 0] <nil>
	// the picture has 3 x 1 pixels, and raw wants 28 x 28: scale it, or have it prepared
}
