class MessagesController < ApplicationController
  def create
    @conversation = Conversation.find(session[:conversation_id])
    @reply = Reply.new(conversation: @conversation).call(params[:text])
  rescue RubyLLM::Error, Faraday::Error
    redirect_to root_path, alert: "No answer"
  end
end
