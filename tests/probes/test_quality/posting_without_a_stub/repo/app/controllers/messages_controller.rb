class MessagesController < ApplicationController
  def create
    @reply = RubyLLM.chat.ask(params[:text]).content
  rescue StandardError
    @reply = "No answer"
  end
end
