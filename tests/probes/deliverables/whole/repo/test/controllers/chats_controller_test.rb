require "test_helper"

class ChatsControllerTest < ActionDispatch::IntegrationTest
  test "shows the page" do
    get root_url
    assert_response :success
  end
end
