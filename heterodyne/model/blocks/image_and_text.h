// What networks share that read an image and a text about it as one sequence: the image's tokens, then the text's.
//
// Letters: B examples, C channels, H x W pixels, P tokens of an image, L tokens of a text, S = P + L.
#pragma once

#include <string>

#include "heterodyne/base/batch.h"

namespace heterodyne {

/// Throws ConfigError about `kind` unless the data are images with a text each.
void check_is_paired(const std::string& kind, const DataShape& data);

/// The batch with a mask [B, S] for all tokens, of which the image's P are always there; without one when no text is
/// padded. Throws ShapeError of "model.KIND" unless inputs are [B, C, H, W] and text_BS is [B, L].
Batch with_image_tokens(const std::string& kind, const DataShape& data, const Batch& batch, int64_t P);

}  // namespace heterodyne
