// AlphaFrames as folded stacks, for flame graph tools: a line a stack, `outermost;…;innermost VALUE`. Pure, any thread.
//
// VALUE is a whole number of 1/10,000 of the currency, rounded; the first frame says so. A stack that rounds to 0 is left out. In names a
// semicolon becomes a comma, and control characters become blanks: the format has no escapes.
#ifndef HFTMON_CLIENT_EXPORT_FOLDED_STACKS_H_
#define HFTMON_CLIENT_EXPORT_FOLDED_STACKS_H_

#include <string>
#include <vector>

#include "client/export/alpha_frames.h"

namespace hftmon {

std::string FoldedStacks(const std::vector<AlphaFrame>& frames);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_FOLDED_STACKS_H_
