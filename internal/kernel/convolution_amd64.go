//go:build amd64 && !purego

package kernel

var (
	imageKernels512f32 = &imageKernels[float32]{
		copyPlanes: copyPlanes512, maxOfFour: maxOfFour512f32, spreadToFour: spreadToFour512f32,
		lanes: 16, productRows: 9,
		strips:   [5]tapStrip[float32]{nil, taps512_16f32, taps512_32f32, taps512_48f32, taps512_64f32},
		products: [4]productTile[float32]{nil, products512_16f32, products512_32f32, products512_48f32},
		patches:  patchKernels[float32]{nonzeros512f32, patchSums512f32, addPatches512f32},
		channels: &channelKernels[float32]{[3]channelTile[float32]{nil, channels512_16f32, channels512_32f32}, [3]channelTile[float32]{nil, channelRows512_16f32, channelRows512_32f32}, maxOfPixels512f32},
	}
	imageKernels512f64 = &imageKernels[float64]{
		copyPlanes: copyPlanes512,
		lanes:      8, productRows: 9,
		strips:   [5]tapStrip[float64]{nil, taps512_8f64, taps512_16f64, taps512_24f64, taps512_32f64},
		products: [4]productTile[float64]{nil, products512_8f64, products512_16f64, products512_24f64},
	}
	imageKernels256f32 = &imageKernels[float32]{
		copyPlanes: copyPlanes256, maxOfFour: maxOfFour256f32, spreadToFour: spreadToFour256f32,
		lanes: 8, productRows: 6,
		strips:   [5]tapStrip[float32]{nil, taps256_8f32, taps256_16f32, taps256_24f32},
		products: [4]productTile[float32]{2: products256_16f32},
		patches:  patchKernels[float32]{nonzeros256f32, patchSums256f32, addPatches256f32},
		channels: &channelKernels[float32]{tiles: [3]channelTile[float32]{nil, channels256_8f32, channels256_16f32}, max: maxOfPixels256f32},
	}
	imageKernels256f64 = &imageKernels[float64]{
		copyPlanes: copyPlanes256,
		lanes:      4, productRows: 6,
		strips:   [5]tapStrip[float64]{nil, taps256_4f64, taps256_8f64, taps256_12f64},
		products: [4]productTile[float64]{2: products256_8f64},
	}
)
