class MessagesController < ApplicationController
  def create
    Dispatcher.new.run(params[:command])
  end
end
