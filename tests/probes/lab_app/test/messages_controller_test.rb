require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "shows the composer" do
    get "/"
    assert_response :success
  end
end
