require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
end
