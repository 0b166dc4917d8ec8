// What a window lacks of what was asked for, for people.
#ifndef HFTMON_CLIENT_CLI_RENDER_WINDOW_H_
#define HFTMON_CLIENT_CLI_RENDER_WINDOW_H_

#include <string>

#include "hftmon/v1/common.pb.h"

namespace hftmon {

// ", shorter than asked: …" where its beginning is missing, ", incomplete: …" where it reaches as far as asked and something within is
// missing, ", ends early: …", or "". `time` is the answer's own.
std::string WindowNote(const v1::Window& window, const v1::TimePair& time);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_WINDOW_H_
