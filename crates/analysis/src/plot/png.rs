//! Heat maps as PNG, for figures with more cells than an SVG should have elements.

use super::base64;

/// Colours from nothing to most, red, green and blue: dark blue over violet and orange to pale yellow, of rising
/// lightness, so that it also reads in grey.
const ANCHORS: [[f64; 3]; 6] = [
    [8.0, 6.0, 28.0],
    [60.0, 15.0, 110.0],
    [145.0, 40.0, 125.0],
    [225.0, 80.0, 85.0],
    [252.0, 160.0, 70.0],
    [252.0, 250.0, 195.0],
];

/// A picture of `columns` columns of equal height as a data URI, low index at the bottom; values from `low` to `high`
/// take the whole of the colours. `None` when there is nothing to draw.
pub(crate) fn heat_map(columns: &[Vec<f32>], low: f32, high: f32) -> Option<String> {
    let height = columns.first()?.len();
    let (width, rows) = (u32::try_from(columns.len()).ok()?, u32::try_from(height).ok()?);
    if rows == 0 {
        return None;
    }
    let span = (high - low).max(f32::MIN_POSITIVE);
    let mut pixels = Vec::with_capacity(columns.len() * height);
    for row in (0..height).rev() {
        for column in columns {
            let value = column.get(row).copied().unwrap_or(low);
            // a NaN becomes 0
            pixels.push(((value - low) / span * 255.0).round().clamp(0.0, 255.0) as u8);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, rows);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette());
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(format!("data:image/png;base64,{}", base64::encode(&bytes)))
}

fn palette() -> Vec<u8> {
    (0..256)
        .flat_map(|index| {
            let place = f64::from(index) / 255.0 * (ANCHORS.len() - 1) as f64;
            let below = (place as usize).min(ANCHORS.len() - 2);
            let share = place - below as f64;
            (0..3).map(move |part| {
                (ANCHORS[below][part] + share * (ANCHORS[below + 1][part] - ANCHORS[below][part])).round()
                    as u8
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heat_map_is_a_png_and_bad_values_do_no_harm() {
        let uri = heat_map(&[vec![0.0, 1.0], vec![f32::NAN, f32::INFINITY]], 0.0, 1.0).expect("a picture");
        // the signature of PNG in base 64
        assert!(uri.starts_with("data:image/png;base64,iVBORw0KGgo"));
        assert_eq!(heat_map(&[], 0.0, 1.0), None);
        assert_eq!(heat_map(&[vec![]], 0.0, 1.0), None);
        let colours = palette();
        assert_eq!(colours.len(), 768);
        assert_eq!(&colours[..3], [8, 6, 28]);
        assert_eq!(&colours[765..], [252, 250, 195]);
    }
}
