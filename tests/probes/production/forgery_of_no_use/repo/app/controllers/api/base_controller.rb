class Api::BaseController < ApplicationController
  skip_forgery_protection
  before_action { authenticate_or_request_with_http_token { |token| token == ENV["TOKEN"] } }
end
