// A stack for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_STACK_H_
#define HFTMON_CLIENT_CLI_RENDER_STACK_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/stacks.pb.h"

namespace hftmon {

// A line a frame, innermost first, indented to stand below a spike.
std::string StackText(const v1::Stack& stack);

// NAME: [frames], NAME_state, NAME_reason? into `json`.
void AddStackPart(const std::string& name, const v1::StackPart& part, Json* json);

// {user: [frames], kernel: [frames], user_state, user_reason, …}: a part that was not asked for is absent.
Json StackJson(const v1::Stack& stack);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_STACK_H_
