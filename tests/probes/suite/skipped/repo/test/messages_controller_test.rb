require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "shows the composer" do
    skip "needs a key"
  end
end
