require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "shows the reply" do
    provider_says "Hi"
    post messages_path, params: { text: "Hello" }
    assert_response :success
  end

  def test_shows_the_page
    provider_says "", status: 503
    get root_path
    assert_response :success
  end
end
