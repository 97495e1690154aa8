class MessagesController < ApplicationController
  def create
    @reply = Ask.new.call(params[:text])
  rescue RubyLLM::Error
    render :failed
  end
end
