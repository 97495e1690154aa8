class MessagesController < ApplicationController
  FORMATS = [:html, :turbo_stream].freeze

  def create = redirect_to(root_path)
end
