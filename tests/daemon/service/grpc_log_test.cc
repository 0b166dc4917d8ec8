#include "daemon/service/grpc_log.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

TEST(GrpcLogFilterTest, WhatAClientSentCanBeginNoLineOfItsOwn) {
  GrpcLogFilter filter;
  EXPECT_EQ(*filter.Line("status \nhftmond: forged\x1b[31m", kSecondNs), "hftmond: gRPC: status \\nhftmond: forged\\x1b[31m");
  EXPECT_LE(filter.Line(std::string(100'000, '\n'), kSecondNs)->size(), GrpcLogFilter::kLineBytesMax + 30);
}

TEST(GrpcLogFilterTest, OfTooManyLinesTheRestIsCounted) {
  GrpcLogFilter filter;
  for (int i = 0; i < GrpcLogFilter::kLinesPerSecond; ++i) EXPECT_TRUE(filter.Line("x", kSecondNs).has_value());
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(filter.Line("x", kSecondNs + 5).has_value());
  EXPECT_EQ(*filter.Line("x", 2 * kSecondNs), "hftmond: gRPC: x (7 earlier messages were left out)");
  EXPECT_EQ(*filter.Line("x", 2 * kSecondNs), "hftmond: gRPC: x");
}

}  // namespace
}  // namespace hftmon
