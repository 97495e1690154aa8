require "test_helper"

class WaitingTest < ActiveSupport::TestCase
  test("waits") { sleep }
end
